#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A stream that collects written bytes in memory, or the writing end of a `MemoryPipe`.
///
/// For tests of code that writes to streams. Several fibers may use it at once.
public final class MemoryWriter: WritableStream {
  private let buffer: MemoryBuffer

  init(_ buffer: MemoryBuffer) {
    self.buffer = buffer
  }

  /// Creates a stream that collects.
  ///
  /// - Parameters:
  ///   - chunks: the most bytes accepted at a time: these sizes in turn; any number if empty.
  ///   - room: how many bytes are accepted in all.
  ///   - failure: the error of a write when no room is left; by default the error of a full disk.
  public init(
    chunks: [Int] = [], room: Int = .max,
    failure: any Error = SystemError(code: ENOSPC, action: "write to a memory stream")
  ) {
    buffer = MemoryBuffer(capacity: .max, writes: chunks, allowance: room, excess: failure)
  }

  /// The bytes that have been written; for the end of a pipe, those not yet read.
  public var bytes: [UInt8] { buffer.bytes }

  /// The written bytes as text; invalid UTF-8 is repaired.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes as many bytes as fit: returns their number, nil if there is no room.
  ///
  /// - Throws: `StreamClosedError` if it has been closed; `SystemError` if the reading end has been; the given failure.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    try withUnsafePointer(to: bytes) { try buffer.tryWrite(parts: UnsafeBufferPointer(start: $0, count: 1)) }
  }

  /// Writes several parts as if they were one, as far as they fit: returns the number of bytes, nil if there is no
  /// room.
  ///
  /// - Throws: as `tryWrite(_:)`.
  public func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int? {
    try buffer.tryWrite(parts: parts)
  }

  /// The operation that commits when `attempt` returns a value.
  ///
  /// See `WritableStream`.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    buffer.whenWritableOp(attempt)
  }

  /// Closes the stream: the reader of the other end gets the end of the input.
  ///
  /// Never blocks.
  public func close() { buffer.closeWriter() }
}
