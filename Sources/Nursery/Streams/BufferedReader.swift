/// Reads lines, numbers of bytes and integers from a stream, which delivers its bytes as it likes.
///
///     let reader = BufferedReader(connection)
///     while let line = try reader.readLine() {
///       ...
///     }
///
/// What a call takes, it takes as a whole: if it throws, whatever the error, the bytes that have come are still there
/// for the next call. So a `readExactly` that was cancelled half-way has lost nothing. The same holds for its operation
/// (`readExactlyOp`), when another branch of a choice commits.
///
/// For one fiber at a time; the compiler sees to that when a reader is handed to a child. A reader that waits with
/// nothing in its buffer has no buffer: an idle connection costs none. It does not own the stream: the code that opened
/// the stream closes it; bytes that have been read ahead are dropped with the reader.
public final class BufferedReader {
  /// Where the bytes come from.
  ///
  /// Reading from it directly misses what the reader has got already.
  public let stream: any ReadableStream
  /// How many bytes are read at a time, at most; the buffer grows beyond that for what has to be taken as a whole.
  public let capacity: Int

  @exclusivity(unchecked) var queue: ByteQueue
  /// How many bytes that have not come yet are to be passed over; the buffer is empty while there are such.
  @exclusivity(unchecked) var skipped = 0
  /// No `soughtDelimiter` begins before this place of the buffer.
  @exclusivity(unchecked) var sought = 0
  @exclusivity(unchecked) var soughtDelimiter: [UInt8] = []
  /// What has ended a loop over `lines`, which could not throw it.
  @exclusivity(unchecked) var failure: (any Error)?
  /// Made once: so a wait allocates no operation.
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

  /// How many bytes have been read from the stream and not been taken.
  public var bufferedCount: Int { queue.count }

  /// How much memory the buffer takes.
  package var memory: Int { queue.capacity }

  // MARK: How everything is read

  /// Takes what `take` finds in the buffer, waiting for more until it finds it.
  ///
  /// `take` is called with what there is, and whenever there is more; it returns nil if that is not enough, and then
  /// must not have taken anything. At the end it must not return nil.
  func take<Value>(_ take: (_ isAtEnd: Bool) throws -> Value?) throws -> Value {
    if Performer.enter().isCancelled { throw CancellationError() }
    try throwFailure()
    if let value = try take(false) { return value }
    while true {
      let isAtEnd = try waitForMore() == 0
      if let value = try take(isAtEnd) { return value }
    }
  }

  /// The operation that does the same; what it has read while in vain stays in the buffer.
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

  /// Waits until something has been put into the buffer or passed over: the number of bytes, 0 at the end.
  func waitForMore() throws -> Int {
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

  /// Reads what there is without waiting, `limit` bytes at most, into the buffer: the number of bytes, 0 at the end,
  /// nil if there are none.
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

  /// Takes the first bytes out of the buffer.
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
