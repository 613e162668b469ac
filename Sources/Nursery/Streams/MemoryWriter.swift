#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A stream into memory: one that collects what is written, or the end of a `MemoryPipe`.
///
/// For tests of what writes to streams. Several fibers may use it at once.
public final class MemoryWriter: WritableStream {
  private let buffer: MemoryBuffer

  init(_ buffer: MemoryBuffer) {
    self.buffer = buffer
  }

  /// Creates a stream that collects.
  ///
  /// - Parameters:
  ///   - chunks: how many bytes are taken at a time, at most: these sizes, over and over; any number if there are none.
  ///   - room: how many bytes are taken altogether.
  ///   - failure: what is thrown when there is no room left; as on a full disk if nothing else is said.
  public init(
    chunks: [Int] = [], room: Int = .max,
    failure: any Error = SystemError(code: ENOSPC, action: "write to a memory stream")
  ) {
    buffer = MemoryBuffer(capacity: .max, writes: chunks, allowance: room, excess: failure)
  }

  /// What has been written, and not been read if this is the end of a pipe.
  public var bytes: [UInt8] { buffer.bytes }

  /// What has been written as text; what is no UTF-8 is repaired.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes what there is room for: the number of bytes; nil if there is none.
  ///
  /// - Throws: `StreamClosedError` if it has been closed; `SystemError` if the reading end has been; the failure that
  ///   was asked for.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    try withUnsafePointer(to: bytes) { try buffer.tryWrite(parts: UnsafeBufferPointer(start: $0, count: 1)) }
  }

  /// Writes several parts as if they were one, as far as there is room: the number of bytes; nil if there is none.
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
