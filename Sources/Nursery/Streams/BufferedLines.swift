/// The lines of a stream, as they come: `for line in try reader.lines()`.
///
/// A `for` loop cannot throw the error of an element: see `BufferedReader.lines`.
public struct BufferedLines: Sequence, IteratorProtocol {
  let reader: BufferedReader
  let limit: Int

  /// Waits for the next line; nil at the end, in a cancelled scope, and after an error, which the reader's next call
  /// throws.
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
  /// The lines, without their `\n` or `\r\n`, for a `for` loop.
  ///
  /// The loop ends at the end of the input, and in a cancelled scope, where the next blocking call throws. It also ends
  /// after an error: a line that is too long, or a broken stream. The next call that reads from this reader throws the
  /// error. If there is none, the suppressed-error handler receives it when the reader is released. To tell an error
  /// from the end, call `finish()` after the loop, or write
  ///
  ///     while let line = try reader.readLine() { ... }
  ///
  /// - Parameter limit: how many bytes a line may have.
  /// - Throws: the error that has ended an earlier loop.
  public func lines(limit: Int = BufferedReader.usualLineLimit) throws -> BufferedLines {
    try throwFailure()
    return BufferedLines(reader: self, limit: limit)
  }

  /// Throws the error that has ended a loop over `lines`; does nothing if the input had ended.
  ///
  /// Never blocks.
  ///
  /// - Throws: the error; `CancellationError` if the current scope is cancelled.
  public func finish() throws {
    try throwFailure()
    try Fiber.checkCancellation()
  }
}
