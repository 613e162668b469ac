/// A stream of given bytes in memory, or the reading end of a `MemoryPipe`.
///
/// For tests of code that reads from streams. It can deliver the bytes in portions, as a network does:
///
///     let reader = BufferedReader(MemoryReader("one\ntwo\n", chunks: [1]))
///
/// Several fibers may use it at once.
public final class MemoryReader: ReadableStream {
  private let buffer: MemoryBuffer

  init(_ buffer: MemoryBuffer) {
    self.buffer = buffer
  }

  /// Creates a stream of these bytes.
  ///
  /// - Parameters:
  ///   - chunks: the most bytes that can be read at a time: these sizes in turn; any number if empty.
  ///   - failure: the error thrown after the last byte; nil for the end.
  public init(_ bytes: [UInt8], chunks: [Int] = [], failure: (any Error)? = nil) {
    buffer = bytes.withUnsafeBytes { MemoryBuffer($0, reads: chunks, failure: failure) }
  }

  /// Creates a stream of a text in UTF-8.
  ///
  /// - Parameters:
  ///   - chunks: the most bytes that can be read at a time: these sizes in turn; any number if empty.
  ///   - failure: the error thrown after the last byte; nil for the end.
  public convenience init(_ text: String, chunks: [Int] = [], failure: (any Error)? = nil) {
    self.init(Array(text.utf8), chunks: chunks, failure: failure)
  }

  /// How many bytes have not been read.
  public var count: Int { buffer.count }

  /// Reads the available bytes into `buffer`: returns their number, 0 at the end, nil if none are available yet.
  ///
  /// - Throws: `StreamClosedError` if it has been closed; the given failure.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    try self.buffer.tryRead(into: buffer)
  }

  /// The operation that commits when `attempt` returns a value.
  ///
  /// See `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    buffer.whenReadableOp(attempt)
  }

  /// Closes the stream.
  ///
  /// Writes to the other end throw `SystemError` (EPIPE).
  ///
  /// Never blocks.
  public func close() { buffer.closeReader() }
}
