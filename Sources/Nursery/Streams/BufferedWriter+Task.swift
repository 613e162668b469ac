extension BufferedWriter {
  /// Adds bytes to the buffer, and writes to the stream what does not fit.
  ///
  /// The bytes are copied first.
  ///
  /// Suspends the task while there is no room. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ bytes: UnsafeRawBufferPointer) async throws {
    try await writeOp([UInt8](bytes)).perform()
  }

  /// Adds bytes to the buffer, and writes to the stream what does not fit.
  ///
  /// Suspends the task while there is no room. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ bytes: [UInt8]) async throws { try await writeOp(bytes).perform() }

  /// Adds a text in UTF-8 to the buffer, and writes to the stream what does not fit.
  ///
  /// Suspends the task while there is no room. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ text: String) async throws { try await writeOp(text).perform() }

  /// Adds an integer of a fixed width to the buffer, and writes to the stream what does not fit.
  ///
  /// Suspends the task while there is no room. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func writeInteger(
    _ value: some FixedWidthInteger, _ order: ByteOrder = .bigEndian
  ) async throws {
    try await writeIntegerOp(value, order).perform()
  }

  /// Writes everything in the buffer to the stream.
  ///
  /// Suspends the task while there is no room. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func flush() async throws { try await flushOp().perform() }
}
