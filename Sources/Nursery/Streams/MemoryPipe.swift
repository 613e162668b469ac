/// Two connected streams in memory: bytes written to one are read from the other.
///
///     let pipe = MemoryPipe(capacity: 16)
///     nursery.goAsync { try serve(pipe.reader) }
///     try pipe.writer.writeAll("GET / HTTP/1.1\r\n")
///     pipe.writer.close()
///
/// When the pipe is full, writing waits for the reader. With a capacity of 1 both sides wait at every byte, which is a
/// good test of a protocol.
public final class MemoryPipe: Sendable {
  /// The reading end.
  public let reader: MemoryReader
  /// The writing end.
  ///
  /// Closing it ends the input for the reader, after the bytes in the pipe.
  public let writer: MemoryWriter

  private let buffer: MemoryBuffer

  /// Creates an empty pipe with room for `capacity` bytes.
  public init(capacity: Int = 65_536) {
    if capacity < 1 { fatalError("a memory pipe cannot hold \(capacity) bytes; write a capacity of at least 1") }
    buffer = MemoryBuffer(capacity: capacity)
    reader = MemoryReader(buffer)
    writer = MemoryWriter(buffer)
  }

  /// Breaks the pipe, as a reset breaks a connection: the writer gets `error` from now on, the reader after the
  /// remaining bytes.
  ///
  /// Never blocks. Only the first error counts.
  public func fail(_ error: any Error) { buffer.fail(error) }
}
