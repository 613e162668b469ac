/// Collects what is written, and passes it on to a stream in large pieces.
///
///     try withBufferedWriter(connection) { writer in
///       for row in rows { try writer.write("\(row)\n") }
///     }
///
/// A write keeps its bytes in the buffer while they fit, and else passes on buffer and bytes together, without copying
/// them there. Only `flush` passes on everything; `withBufferedWriter` does so at its end.
///
/// No byte is lost or written twice, however writes and flushes are interrupted: a write that throws
/// `CancellationError` has taken none of its bytes, one that returns has taken responsibility for all, and what a flush
/// has not passed on is still there for the next. An error of the stream is final.
///
/// For one fiber at a time; the compiler sees to that when a writer is handed to a child. A writer with nothing in its
/// buffer has no buffer. It does not own the stream: the code that opened the stream closes it; what has not been
/// flushed when the writer goes is dropped.
public final class BufferedWriter {
  /// Where the bytes go.
  ///
  /// What is written to it directly overtakes what the writer still has.
  public let stream: any WritableStream
  /// How many bytes are collected before they are passed on.
  public let capacity: Int

  /// More than `capacity` only behind a large write that was interrupted.
  @exclusivity(unchecked) private var queue = ByteQueue(initialCapacity: 512)

  /// Creates a writer with nothing in its buffer.
  ///
  /// Allocates no buffer yet.
  public init(_ stream: any WritableStream, capacity: Int = 8192) {
    if capacity < 1 { fatalError("a writer cannot collect \(capacity) bytes; write a capacity of at least 1") }
    self.stream = stream
    self.capacity = capacity
  }

  /// How many bytes have been written and not been passed on to the stream.
  public var bufferedCount: Int { queue.count }

  /// How much memory the buffer takes.
  package var memory: Int { queue.capacity }

  /// Writes all bytes: to the buffer if they fit, else to the stream, waiting as often as need be.
  ///
  /// A cancellation point. If it is cancelled when the stream has taken some of the bytes already, the rest goes to the
  /// buffer, which grows for it, and the write returns; the next blocking call throws.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then none of the bytes have been taken. What the
  ///   stream throws.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    guard !fits(bytes) else { return queue.append(bytes) }
    var rest = bytes
    // Most streams have room, and need no operation then.
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
  /// It commits when they fit into the buffer, or the stream has taken the first of them; the buffer grows for the rest
  /// then. An operation that is not chosen has written none of them.
  public func writeOp(_ bytes: [UInt8]) -> Op<Void> {
    stream.whenWritableOp { try bytes.withUnsafeBytes { try self.tryWrite($0) } }
  }

  /// Passes on everything that is in the buffer, waiting as often as need be.
  ///
  /// When it returns, a file has got everything that was written to the writer. A cancellation point.
  ///
  /// - Throws: what the stream throws, also about what it has accepted before; `CancellationError` if the current scope
  ///   is cancelled. What has not been passed on is still in the buffer, to be flushed later.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func flush() throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    // Where bytes are accepted to be written later, only an operation waits for that.
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

  /// Passes on the buffer; nil if not all of it could be.
  private func passAll() throws -> Void? {
    while !queue.isEmpty {
      if try pass(with: UnsafeRawBufferPointer(start: nil, count: 0)) == nil { return nil }
    }
    queue.trim()
    return ()
  }

  /// Passes on the buffer, and `bytes` behind it, as far as that goes: how many of `bytes`; nil if nothing could be
  /// passed on at all.
  private func pass(with bytes: UnsafeRawBufferPointer) throws -> Int? {
    let buffered = queue.bytes
    let sent = try withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: 2) { parts in
      parts.initializeElement(at: 0, to: buffered.isEmpty ? bytes : buffered)
      parts.initializeElement(at: 1, to: bytes)
      return try stream.tryWrite(
        parts: UnsafeBufferPointer(rebasing: parts.prefix(buffered.isEmpty || bytes.isEmpty ? 1 : 2)))
    }
    guard let sent else { return nil }
    queue.drop(min(sent, buffered.count))
    return max(0, sent - buffered.count)
  }
}

/// Runs `body` with a writer to `stream`, and flushes it when `body` has returned.
///
/// If `body` throws, what has not been passed on is dropped. A cancellation point.
///
/// - Throws: what `body` throws; what `flush` throws.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
public func withBufferedWriter<Result>(
  _ stream: any WritableStream, capacity: Int = 8192, _ body: (BufferedWriter) throws -> Result
) throws -> Result {
  let writer = BufferedWriter(stream, capacity: capacity)
  let result = try body(writer)
  try writer.flush()
  return result
}
