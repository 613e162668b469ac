extension BufferedReader {
  /// The default limit for the length of a line: 1 MiB.
  public static var usualLineLimit: Int { 1 << 20 }

  /// Reads a line, without its `\n` or `\r\n`; nil at the end of the input.
  ///
  /// The last line needs no line feed. Invalid UTF-8 is repaired; `readLineBytes` returns the bytes unchanged. A
  /// cancellation point.
  ///
  /// - Parameter limit: how many bytes a line may have.
  /// - Throws: `LineTooLongError` as soon as it has more; the stream's errors; `CancellationError` if the current
  ///   scope is cancelled. Nothing has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readLine(limit: Int = BufferedReader.usualLineLimit) throws -> String? {
    try withLine(limit: limit) { String(decoding: $0, as: UTF8.self) }
  }

  /// The operation that reads a line; see `readLine(limit:)`.
  public func readLineOp(limit: Int = BufferedReader.usualLineLimit) -> Op<String?> {
    withLineOp(limit: limit) { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads the bytes of a line, without its `\n` or `\r\n`; nil at the end of the input.
  ///
  /// A cancellation point.
  ///
  /// - Parameter limit: how many bytes a line may have.
  /// - Throws: as `readLine`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readLineBytes(limit: Int = BufferedReader.usualLineLimit) throws -> [UInt8]? {
    try withLine(limit: limit) { [UInt8]($0) }
  }

  /// The operation that reads the bytes of a line; see `readLineBytes(limit:)`.
  public func readLineBytesOp(limit: Int = BufferedReader.usualLineLimit) -> Op<[UInt8]?> {
    withLineOp(limit: limit) { [UInt8]($0) }
  }

  /// Reads a line by passing its bytes, without `\n` or `\r\n`, to `body` in place; nil at the end of the input.
  ///
  /// For parsers: nothing is copied or allocated. The bytes are valid during the call. If `body` throws, the line has
  /// not been taken. A cancellation point.
  ///
  /// - Parameter limit: how many bytes a line may have.
  /// - Throws: as `readLine`; the errors of `body`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func withLine<Value>(
    limit: Int = BufferedReader.usualLineLimit, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value? {
    try take { try self.line(limit, $0, body) }
  }

  /// The operation that reads a line by passing its bytes to `body`; see `withLine(limit:_:)`.
  public func withLineOp<Value>(
    limit: Int = BufferedReader.usualLineLimit, _ body: @escaping (UnsafeRawBufferPointer) throws -> Value
  ) -> Op<Value?> {
    takeOp { try self.line(limit, $0, body) }
  }

  /// The line at the front of the buffer; nil if there is none yet, an inner nil at the end.
  private func line<Value>(
    _ limit: Int, _ isAtEnd: Bool, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value?? {
    let bytes = queue.bytes
    guard let end = find(Self.lineFeed) else {
      // The carriage return may belong to a line feed that has not come yet.
      let length = bytes.count - (!isAtEnd && bytes.last == Self.carriageReturn ? 1 : 0)
      if length > limit { throw LineTooLongError(limit: limit) }
      guard isAtEnd else { return nil }
      if bytes.isEmpty { return .some(nil) }
      let value = try body(bytes)
      drop(bytes.count)
      return value
    }
    let length = end > 0 && bytes[end - 1] == Self.carriageReturn ? end - 1 : end
    if length > limit { throw LineTooLongError(limit: limit) }
    let value = try body(UnsafeRawBufferPointer(rebasing: bytes.prefix(length)))
    drop(end + 1)
    return value
  }

  private static let lineFeed: [UInt8] = [10]
  private static var carriageReturn: UInt8 { 13 }
}
