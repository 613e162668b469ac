/// Collects written bytes, and passes them on to a stream in large pieces.
///
///     try withBufferedWriter(connection) { writer in
///       for row in rows { try writer.write("\(row)\n") }
///     }
///
/// A write copies its bytes to the buffer if they fit. Otherwise it passes on the buffer and the bytes together,
/// without copying them. Only `flush` passes on everything; `withBufferedWriter` flushes at its end.
///
/// No byte is lost or written twice, however writes and flushes are interrupted. A write that throws
/// `CancellationError` has taken none of its bytes; one that returns has taken all. Bytes that a flush has not passed
/// on stay in the buffer for the next. An error of the stream is final.
///
/// For one fiber at a time; the compiler checks that when a writer is passed to a child. A writer with an empty buffer
/// frees it. The writer does not own the stream: the code that opened the stream closes it. Bytes that have not been
/// flushed are dropped with the writer.
public final class BufferedWriter {
  /// The stream that the bytes go to.
  ///
  /// Bytes written to it directly overtake the bytes in the buffer.
  public let stream: any WritableStream
  /// How many bytes are collected before they are passed on.
  public let capacity: Int

  /// Holds more than `capacity` bytes only after a large write was interrupted.
  @exclusivity(unchecked) private var queue = ByteQueue(initialCapacity: 512)
  /// Whether the bytes in the buffer are not to be passed on: the stream has failed, or the caller.
  @exclusivity(unchecked) private var isGivenUp = false

  /// Creates a writer with nothing in its buffer.
  ///
  /// Allocates no buffer yet.
  public init(_ stream: any WritableStream, capacity: Int = 8192) {
    if capacity < 1 { fatalError("a writer cannot collect \(capacity) bytes; write a capacity of at least 1") }
    self.stream = stream
    self.capacity = capacity
  }

  deinit {
    if !queue.isEmpty, !isGivenUp { Performer.noteUnflushed(queue.count, "\(stream)") }
  }

  /// Called if the bytes in the buffer are dropped on purpose.
  fileprivate func giveUp() { isGivenUp = true }

  /// How many bytes have been written and not yet been passed on to the stream.
  public var bufferedCount: Int { queue.count }

  /// The size of the buffer's memory.
  package var memory: Int { queue.capacity }

  /// Writes all bytes: to the buffer if they fit, else to the stream, waiting as often as necessary.
  ///
  /// A cancellation point. If it is cancelled after the stream has taken some of the bytes, the buffer grows and takes
  /// the rest, and the write returns. The next blocking call throws.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then none of the bytes have been taken. The
  ///   stream's errors.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    guard !fits(bytes) else { return queue.append(bytes) }
    var rest = bytes
    // Usually the stream has room; then no operation is needed.
    if let sent = try pass(with: rest) { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(sent)) }
    while !fits(rest) {
      let unsent = rest
      do {
        let sent = try stream.whenWritableOp { try self.pass(with: unsent) }.perform()
        rest = UnsafeRawBufferPointer(rebasing: unsent.dropFirst(sent))
      } catch is CancellationError where rest.count < bytes.count {
        break
      }
    }
    queue.append(rest)
  }

  /// The operation that writes all bytes.
  ///
  /// It commits when they fit into the buffer, or when the stream has taken the first of them; the buffer then grows
  /// for the rest. An operation that is not chosen has written none of them.
  public func writeOp(_ bytes: [UInt8]) -> Op<Void> {
    stream.whenWritableOp { try bytes.withUnsafeBytes { try self.tryWrite($0) } }
  }

  /// Passes on everything in the buffer, waiting as often as necessary.
  ///
  /// When it returns, everything that was written to the writer is in the file, if the stream is one. A cancellation
  /// point.
  ///
  /// - Throws: the stream's errors, also for bytes that it accepted before; `CancellationError` if the current scope is
  ///   cancelled. Bytes that have not been passed on are still in the buffer, and can be flushed later.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func flush() throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    // If the stream writes accepted bytes later, only an operation waits for that.
    if try stream.writesLater || passAll() == nil { try flushOp().perform() }
  }

  /// The operation that commits when everything has been passed on.
  ///
  /// An operation that is not chosen may have passed on a part; the rest is still in the buffer.
  public func flushOp() -> Op<Void> { stream.whenWritableOp { try self.passAll() } }

  // MARK: Without waiting

  private func fits(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.count <= capacity - queue.count }

  /// Takes all bytes, or none and returns nil.
  private func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Void? {
    var sent = 0
    while sent == 0, !fits(bytes) {
      guard let count = try pass(with: bytes) else { return nil }
      sent = count
    }
    queue.append(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(sent)))
    return ()
  }

  /// Passes on the buffer; returns nil if some bytes are left.
  private func passAll() throws -> Void? {
    while !queue.isEmpty {
      if try pass(with: UnsafeRawBufferPointer(start: nil, count: 0)) == nil { return nil }
    }
    queue.trim()
    return ()
  }

  /// Passes on the buffer and then `bytes`, as far as there is room: returns how many of `bytes`, nil if nothing was
  /// passed on.
  private func pass(with bytes: UnsafeRawBufferPointer) throws -> Int? {
    let buffered = queue.bytes
    let sent: Int?
    do {
      sent = try withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: 2) { parts in
        parts.initializeElement(at: 0, to: buffered.isEmpty ? bytes : buffered)
        parts.initializeElement(at: 1, to: bytes)
        return try stream.tryWrite(
          parts: UnsafeBufferPointer(rebasing: parts.prefix(buffered.isEmpty || bytes.isEmpty ? 1 : 2)))
      }
    } catch {
      giveUp()
      throw error
    }
    guard let sent else { return nil }
    queue.drop(min(sent, buffered.count))
    return max(0, sent - buffered.count)
  }
}

/// Runs `body` with a writer to `stream`, and flushes it when `body` has returned.
///
/// If `body` throws, bytes that have not been passed on are dropped. A cancellation point.
///
/// - Throws: the errors of `body` and of `flush`.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
public func withBufferedWriter<Result>(
  _ stream: any WritableStream, capacity: Int = 8192, _ body: (BufferedWriter) throws -> Result
) throws -> Result {
  let writer = BufferedWriter(stream, capacity: capacity)
  do {
    let result = try body(writer)
    try writer.flush()
    return result
  } catch {
    writer.giveUp()
    throw error
  }
}
