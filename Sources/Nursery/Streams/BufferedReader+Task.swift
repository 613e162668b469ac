extension BufferedReader {
  /// Reads everything up to the end of the input.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readAll(limit: Int) async throws -> [UInt8] {
    try await readAllOp(limit: limit).perform()
  }

  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
    try await readOp(into: buffer).perform()
  }

  /// Waits until bytes are available, and reads at most `count` of them; empty at the end.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func read(upTo count: Int) async throws -> [UInt8] {
    try await readOp(upTo: count).perform()
  }

  /// Reads the bytes before `delimiter`, and skips the delimiter; nil at the end of the input.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readUntil(
    _ delimiter: [UInt8], limit: Int = BufferedReader.usualLineLimit
  ) async throws -> [UInt8]? {
    try await readUntilOp(delimiter, limit: limit).perform()
  }

  /// Reads `count` bytes, waiting until they have all come.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readExactly(_ count: Int) async throws -> [UInt8] {
    try await readExactlyOp(count).perform()
  }

  /// Fills `buffer`, waiting until all bytes have come.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readExactly(into buffer: UnsafeMutableRawBufferPointer) async throws {
    try await readExactlyOp(into: buffer).perform()
  }

  /// Reads at most `count` bytes without taking them, waiting until `count` bytes have come or the input has ended.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func peek(_ count: Int) async throws -> [UInt8] { try await peekOp(count).perform() }

  /// Reads an integer of a fixed width.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readInteger<Integer: FixedWidthInteger>(
    _ type: Integer.Type = Integer.self, _ order: ByteOrder = .bigEndian
  ) async throws -> Integer {
    try await readIntegerOp(type, order).perform()
  }

  /// Reads a line, without its `\n` or `\r\n`; nil at the end of the input.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readLine(limit: Int = BufferedReader.usualLineLimit) async throws -> String? {
    try await readLineOp(limit: limit).perform()
  }

  /// Reads the bytes of a line, without its `\n` or `\r\n`; nil at the end of the input.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func readLineBytes(
    limit: Int = BufferedReader.usualLineLimit
  ) async throws -> [UInt8]? {
    try await readLineBytesOp(limit: limit).perform()
  }

  /// Reads a line by passing its bytes to `body` in place; nil at the end of the input.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func withLine<Value>(
    limit: Int = BufferedReader.usualLineLimit, _ body: @escaping (UnsafeRawBufferPointer) throws -> Value
  ) async throws -> Value? {
    try await withLineOp(limit: limit, body).perform()
  }

  /// Reads a value that `parse` makes of the bytes; see the form for fibers.
  ///
  /// Suspends the task meanwhile. A cancellation point; if it throws, nothing has been taken.
  nonisolated(nonsending) public func parse<Value>(
    limit: Int, _ parse: @escaping (_ bytes: UnsafeRawBufferPointer, _ isAtEnd: Bool) throws -> (Value, Int)?
  ) async throws -> Value {
    try await parseOp(limit: limit, parse).perform()
  }
}
