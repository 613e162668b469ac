extension BufferedReader {
  /// Reads everything up to the end of the input.
  ///
  /// A cancellation point.
  ///
  /// - Parameter limit: the largest number of bytes allowed.
  /// - Throws: `InputTooLongError` as soon as there are more; the stream's errors; `CancellationError` if the
  ///   current scope is cancelled. Nothing has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readAll(limit: Int) throws -> [UInt8] { try take { try self.all(limit, $0) } }

  /// The operation that reads everything up to the end of the input; see `readAll(limit:)`.
  public func readAllOp(limit: Int) -> Op<[UInt8]> { takeOp { try self.all(limit, $0) } }

  /// Reads bytes that are buffered or available into `buffer`: returns their number, 0 at the end, nil if none are
  /// available yet.
  ///
  /// Never blocks, and is no cancellation point.
  ///
  /// - Throws: the stream's errors.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    try throwFailure()
    if !queue.isEmpty || buffer.isEmpty { return take(into: buffer) }
    if skipped == 0, buffer.count >= capacity {
      queue.trim()
      return try stream.tryRead(into: buffer)
    }
    while queue.isEmpty {
      guard let count = try fill() else { return nil }
      if count == 0 { return 0 }
    }
    return take(into: buffer)
  }

  /// Waits until bytes are available, and reads them into `buffer`: returns their number, 0 at the end.
  ///
  /// A large buffer is read into directly. A cancellation point.
  ///
  /// - Throws: the stream's errors; `CancellationError` if the current scope is cancelled. Nothing has been taken
  ///   then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard queue.isEmpty else { return try take { _ in self.take(into: buffer) } }
    return try readOp(into: buffer).perform()
  }

  /// The operation that reads available bytes into `buffer`, which must stay valid while it is performed.
  ///
  /// Its value is the number of bytes, 0 at the end.
  public func readOp(into buffer: UnsafeMutableRawBufferPointer) -> Op<Int> {
    stream.whenReadableOp { try self.tryRead(into: buffer) }
  }

  /// Waits until bytes are available, and reads at most `count` of them; empty at the end.
  ///
  /// A cancellation point.
  ///
  /// - Throws: the stream's errors; `CancellationError` if the current scope is cancelled. Nothing has been taken
  ///   then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(upTo count: Int) throws -> [UInt8] { try take { self.some(count, $0) } }

  /// The operation that reads at most `count` bytes; its value is empty at the end.
  public func readOp(upTo count: Int) -> Op<[UInt8]> { takeOp { self.some(count, $0) } }

  // MARK: From the buffer

  private func all(_ limit: Int, _ isAtEnd: Bool) throws -> [UInt8]? {
    if queue.count > limit { throw InputTooLongError(limit: limit) }
    return isAtEnd ? some(queue.count, true) : nil
  }

  private func some(_ count: Int, _ isAtEnd: Bool) -> [UInt8]? {
    require(count >= 0, "\(count) bytes cannot be read")
    guard !queue.isEmpty || isAtEnd || count == 0 else { return nil }
    let count = min(count, queue.count)
    defer { drop(count) }
    return [UInt8](queue.bytes.prefix(count))
  }
}
