extension ReadableStream {
  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
    try await readOp(into: buffer).perform()
  }

  /// Waits until bytes are available, and reads at most `count` bytes, and at most 1 MiB; empty at the end.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func read(upTo count: Int) async throws -> [UInt8] {
    try await readOp(upTo: count).perform()
  }
}

extension WritableStream {
  /// Waits until there is room, and writes as many bytes as fit: returns their number.
  ///
  /// It is at least 1, unless there are none. Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ bytes: UnsafeRawBufferPointer) async throws -> Int {
    try await writeOp(bytes).perform()
  }

  /// Waits until there is room, and writes as many bytes as fit: returns their number.
  ///
  /// It is at least 1, unless there are none. Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func write(_ bytes: [UInt8]) async throws -> Int { try await writeOp(bytes).perform() }

  /// Writes all bytes; suspends the task while there is no room.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written.
  nonisolated(nonsending) public func writeAll(_ bytes: UnsafeRawBufferPointer) async throws {
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(try await write(UnsafeRawBufferPointer(rebasing: rest))) }
  }

  /// Writes all bytes; suspends the task while there is no room.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written.
  nonisolated(nonsending) public func writeAll(_ bytes: [UInt8]) async throws {
    var start = 0
    while start < bytes.count {
      let from = start
      start += try await whenWritableOp { try bytes[from...].withUnsafeBytes { try self.tryWrite($0) } }.perform()
    }
  }

  /// Writes a text in UTF-8; suspends the task while there is no room.
  ///
  /// A cancellation point. If it throws, some of the bytes may have been written.
  nonisolated(nonsending) public func writeAll(_ text: String) async throws { try await writeAll(Array(text.utf8)) }
}
