/// A stream of bytes in memory: given ones, or the end of a `MemoryPipe`.
///
/// For tests of what reads from streams. It can deliver the bytes in portions, as a network does:
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
  ///   - chunks: how many bytes can be read at a time, at most: these sizes, over and over; any number if there are
  ///     none.
  ///   - failure: what is thrown behind the last byte; nil for the end.
  public init(_ bytes: [UInt8], chunks: [Int] = [], failure: (any Error)? = nil) {
    buffer = bytes.withUnsafeBytes { MemoryBuffer($0, reads: chunks, failure: failure) }
  }

  /// Creates a stream of a text in UTF-8.
  ///
  /// - Parameters:
  ///   - chunks: how many bytes can be read at a time, at most: these sizes, over and over; any number if there are
  ///     none.
  ///   - failure: what is thrown behind the last byte; nil for the end.
  public convenience init(_ text: String, chunks: [Int] = [], failure: (any Error)? = nil) {
    self.init(Array(text.utf8), chunks: chunks, failure: failure)
  }

  /// How many bytes have not been read.
  public var count: Int { buffer.count }

  /// Reads what there is into `buffer`: the number of bytes, 0 at the end, nil if there is nothing yet.
  ///
  /// - Throws: `StreamClosedError` if it has been closed; the failure that was asked for.
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
