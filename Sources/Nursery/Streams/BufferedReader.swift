/// Reads lines, numbers of bytes and integers from a stream that delivers its bytes in portions of any size.
///
///     let reader = BufferedReader(connection)
///     while let line = try reader.readLine() {
///       ...
///     }
///
/// A call takes its bytes as a whole: if it throws any error, the bytes that have come stay in the buffer for the next
/// call. So a `readExactly` that is cancelled half-way loses nothing. The same holds for its operation
/// (`readExactlyOp`) if another branch of a choice commits.
///
/// For one fiber at a time; the compiler checks that when a reader is passed to a child. A reader that waits with an
/// empty buffer frees it, so an idle connection costs no memory for it. The reader does not own the stream: the code
/// that opened the stream closes it. Bytes that have been read ahead are dropped with the reader.
public final class BufferedReader {
  /// The stream that the bytes come from.
  ///
  /// Reading from it directly misses the bytes that the reader has read ahead.
  public let stream: any ReadableStream
  /// The most bytes that are read at a time.
  ///
  /// The buffer grows beyond it for a value that is larger.
  public let capacity: Int

  @exclusivity(unchecked) var queue: ByteQueue
  /// How many bytes that have not come yet are to be skipped; if there are any, the buffer is empty.
  @exclusivity(unchecked) var skipped = 0
  /// No `soughtDelimiter` begins before this place of the buffer.
  @exclusivity(unchecked) var sought = 0
  @exclusivity(unchecked) var soughtDelimiter: [UInt8] = []
  /// The error that has ended a loop over `lines`, which could not throw it.
  @exclusivity(unchecked) var failure: (any Error)?
  /// Made once, so that a wait allocates no operation.
  @exclusivity(unchecked) private var moreOp: Op<Int>?

  /// Creates a reader with nothing in its buffer.
  ///
  /// Allocates no buffer yet.
  public init(_ stream: any ReadableStream, capacity: Int = 8192) {
    if capacity < 1 { fatalError("a reader cannot read \(capacity) bytes at a time; write a capacity of at least 1") }
    self.stream = stream
    self.capacity = capacity
    queue = ByteQueue(initialCapacity: capacity)
  }

  deinit {
    if let failure { Scheduler.reportSuppressed(failure) }
  }

  /// How many bytes have been read from the stream and not yet been taken.
  public var bufferedCount: Int { queue.count }

  /// The size of the buffer's memory.
  package var memory: Int { queue.capacity }

  // MARK: Reading more

  /// Takes a value from the buffer with `take`, waiting for more bytes until they are enough.
  ///
  /// `take` is called first with the buffered bytes, and again whenever there are more. It returns nil if they are not
  /// enough, and then must not have taken any. At the end it must not return nil.
  func take<Value>(_ take: (_ isAtEnd: Bool) throws -> Value?) throws -> Value {
    if Performer.enter().isCancelled { throw CancellationError() }
    try throwFailure()
    if let value = try take(false) { return value }
    while true {
      let isAtEnd = try waitForMore() == 0
      if let value = try take(isAtEnd) { return value }
    }
  }

  /// The operation that does the same; bytes that an unchosen operation has read stay in the buffer.
  func takeOp<Value>(_ take: @escaping (_ isAtEnd: Bool) throws -> Value?) -> Op<Value> {
    stream.whenReadableOp {
      try self.throwFailure()
      if let value = try take(false) { return value }
      while let count = try self.fill() {
        if let value = try take(count == 0) { return value }
      }
      return nil
    }
  }

  /// Waits until bytes have been put into the buffer or skipped: returns their number, 0 at the end.
  func waitForMore() throws -> Int {
    // The operation, which the reader keeps, does not keep the reader.
    defer { withExtendedLifetime(self) {} }
    if let moreOp { return try moreOp.perform() }
    let op = stream.whenReadableOp { [unowned self] in try self.fill() }
    moreOp = op
    return try op.perform()
  }

  /// As `waitForMore`, but reads no more than `limit` bytes from the stream.
  func waitForMore(_ limit: Int) throws -> Int {
    if limit >= capacity { return try waitForMore() }
    return try stream.whenReadableOp { try self.fill(limit) }.perform()
  }

  /// Reads at most `limit` available bytes into the buffer: returns their number, 0 at the end, nil if none are
  /// available.
  func fill(_ limit: Int = .max) throws -> Int? {
    var count: Int?
    defer { if count ?? 0 == 0 { queue.trim() } }
    count = try stream.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: queue.room(1).prefix(limit)))
    guard let count else { return nil }
    guard skipped > 0 else {
      queue.didAppend(count)
      return count
    }
    if count == 0 { throw UnexpectedEndError(wanted: skipped, got: 0) }
    let passed = min(skipped, count)
    queue.didAppend(count)
    queue.drop(passed)
    skipped -= passed
    return count
  }

  /// Removes the first bytes from the buffer.
  func drop(_ count: Int) {
    queue.drop(count)
    sought = max(0, sought - count)
  }

  func throwFailure() throws {
    guard let failure else { return }
    self.failure = nil
    throw failure
  }
}
