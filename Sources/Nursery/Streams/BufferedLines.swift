/// The lines of a stream, as they come: `for line in try reader.lines()`.
///
/// A `for` loop cannot throw what it meets: see `BufferedReader.lines`.
public struct BufferedLines: Sequence, IteratorProtocol {
  let reader: BufferedReader
  let limit: Int

  /// Waits for the next line; nil at the end, in a cancelled scope, and when there is an error, which the next call of
  /// the reader throws.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public mutating func next() -> String? {
    do {
      return try reader.readLine(limit: limit)
    } catch is CancellationError {
      return nil
    } catch {
      reader.failure = error
      return nil
    }
  }
}

extension BufferedReader {
  /// The lines, without their `\n` or `\r\n`, for a loop that takes them as they come.
  ///
  /// The loop ends at the end of the input, and in a cancelled scope, where the next blocking call throws. It also ends
  /// when there is an error, a line that is too long or a stream that breaks: the next call that reads from this reader
  /// throws it, and if there is none, the scheduler's suppressed-error handler gets it when the reader goes. Where an
  /// error must not pass for the end, call `finish()` behind the loop, or write
  ///
  ///     while let line = try reader.readLine() { ... }
  ///
  /// - Parameter limit: how many bytes a line may have.
  /// - Throws: the error that has ended an earlier loop.
  public func lines(limit: Int = BufferedReader.usualLineLimit) throws -> BufferedLines {
    try throwFailure()
    return BufferedLines(reader: self, limit: limit)
  }

  /// Throws what has ended a loop over `lines`, if that was not the end of the input.
  ///
  /// Never blocks.
  ///
  /// - Throws: the error; `CancellationError` if the current scope is cancelled.
  public func finish() throws {
    try throwFailure()
    try Fiber.checkCancellation()
  }
}
