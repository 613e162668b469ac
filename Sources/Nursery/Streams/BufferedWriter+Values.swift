extension BufferedWriter {
  /// Writes all bytes: to the buffer if they fit, else to the stream, waiting as often as necessary.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then none of the bytes have been taken. The
  ///   stream's errors.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Writes a text in UTF-8; a literal is not copied first.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then nothing has been taken. What the stream
  ///   throws.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// The operation that writes a text in UTF-8; see `writeOp(_:)` for bytes.
  public func writeOp(_ text: String) -> Op<Void> { writeOp(Array(text.utf8)) }

  /// Writes an integer with all the bytes of its type.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then nothing has been taken. What the stream
  ///   throws.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func writeInteger(_ value: some FixedWidthInteger, _ order: ByteOrder = .bigEndian) throws {
    try withUnsafeBytes(of: order.arranged(value)) { try write($0) }
  }

  /// The operation that writes an integer with all the bytes of its type.
  ///
  /// See `writeOp(_:)` for bytes.
  public func writeIntegerOp(_ value: some FixedWidthInteger, _ order: ByteOrder = .bigEndian) -> Op<Void> {
    writeOp(withUnsafeBytes(of: order.arranged(value)) { [UInt8]($0) })
  }
}
