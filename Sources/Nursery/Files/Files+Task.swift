extension FileChanges {
  /// Waits for the next change; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws -> FileChange { try await waitOp().perform() }
}

extension FileStream {
  /// Reads at most `count` bytes at an offset; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func read(upTo count: Int, at offset: Int64) async throws -> [UInt8] {
    try await readOp(upTo: count, at: offset).perform()
  }

  /// Writes all bytes at an offset; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ bytes: [UInt8], at offset: Int64) async throws {
    try await writeOp(bytes, at: offset).perform()
  }

  /// The size of the file; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func size() async throws -> Int64 { try await sizeOp().perform() }

  /// Sets the size of the file; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func truncate(to size: Int64) async throws { try await truncateOp(to: size).perform() }

  /// Waits until what has been written is on the device; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func sync(dataOnly: Bool = false) async throws {
    try await syncOp(dataOnly: dataOnly).perform()
  }
}

/// Copies a file, and returns its size; suspends the task meanwhile.
///
/// A cancellation point; throws as the form for fibers does.
@discardableResult
nonisolated(nonsending) public func copyFile(from source: String, to target: String) async throws -> Int64 {
  try await copyFileOp(from: source, to: target).perform()
}
