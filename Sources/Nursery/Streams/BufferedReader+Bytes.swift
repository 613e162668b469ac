extension BufferedReader {
  /// Reads `count` bytes, waiting until they have all come.
  ///
  /// A cancellation point. Memory use follows the bytes that have come, not `count`.
  ///
  /// - Throws: `UnexpectedEndError` if the input ends before; the stream's errors; `CancellationError` if the
  ///   current scope is cancelled. Nothing has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readExactly(_ count: Int) throws -> [UInt8] { try take { try self.bytes(count, $0) } }

  /// The operation that reads `count` bytes; see `readExactly(_:)`.
  public func readExactlyOp(_ count: Int) -> Op<[UInt8]> { takeOp { try self.bytes(count, $0) } }

  /// Fills `buffer`, waiting until all bytes have come.
  ///
  /// A cancellation point. A large buffer is read into directly.
  ///
  /// - Throws: `UnexpectedEndError` if the input ends before; the stream's errors; `CancellationError` if the
  ///   current scope is cancelled. Then nothing has been taken, and the contents of `buffer` are unspecified.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readExactly(into buffer: UnsafeMutableRawBufferPointer) throws {
    if skipped == 0, buffer.count - queue.count > capacity { return try readDirectly(into: buffer) }
    try take { try self.copyBytes(into: buffer, $0) }
  }

  /// The operation that fills `buffer`, which must stay valid while it is performed; see `readExactly(into:)`.
  public func readExactlyOp(into buffer: UnsafeMutableRawBufferPointer) -> Op<Void> {
    takeOp { try self.copyBytes(into: buffer, $0) }
  }

  /// Reads at most `count` bytes without taking them, waiting until `count` bytes have come or the input has ended.
  ///
  /// A cancellation point. Fewer bytes mean that the input ends after them.
  ///
  /// - Throws: the stream's errors; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func peek(_ count: Int) throws -> [UInt8] { try take { self.firstBytes(count, $0) } }

  /// The operation that reads at most `count` bytes without taking them; see `peek(_:)`.
  public func peekOp(_ count: Int) -> Op<[UInt8]> { takeOp { self.firstBytes(count, $0) } }

  /// Skips the next `count` bytes, also bytes that have not come yet: they are dropped when they come.
  ///
  /// Never blocks, and is no cancellation point. If the input ends before, the next call that waits for later bytes
  /// throws `UnexpectedEndError`.
  public func skip(_ count: Int) {
    require(count >= 0, "skip(\(count)): a reader cannot go back; look ahead with peek")
    let passed = min(count, queue.count)
    drop(passed)
    let (sum, isTooLarge) = skipped.addingReportingOverflow(count - passed)
    skipped = isTooLarge ? .max : sum
  }

  /// Reads an integer of a fixed width: `try reader.readInteger(UInt32.self, .bigEndian)`.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `UnexpectedEndError` if the input ends before; the stream's errors; `CancellationError` if the
  ///   current scope is cancelled. Nothing has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func readInteger<Integer: FixedWidthInteger>(
    _ type: Integer.Type = Integer.self, _ order: ByteOrder = .bigEndian
  ) throws -> Integer {
    try take { try self.integer(order, $0) }
  }

  /// The operation that reads an integer of a fixed width.
  ///
  /// See `readInteger(_:_:)`.
  public func readIntegerOp<Integer: FixedWidthInteger>(
    _ type: Integer.Type = Integer.self, _ order: ByteOrder = .bigEndian
  ) -> Op<Integer> {
    takeOp { try self.integer(order, $0) }
  }

  // MARK: From the buffer

  /// Whether the buffer holds `count` bytes.
  private func has(_ count: Int, _ isAtEnd: Bool) throws -> Bool {
    require(count >= 0, "\(count) bytes cannot be read")
    if queue.count >= count { return true }
    if isAtEnd { throw UnexpectedEndError(wanted: count, got: queue.count) }
    return false
  }

  private func bytes(_ count: Int, _ isAtEnd: Bool) throws -> [UInt8]? {
    guard try has(count, isAtEnd) else { return nil }
    defer { drop(count) }
    return [UInt8](queue.bytes.prefix(count))
  }

  private func firstBytes(_ count: Int, _ isAtEnd: Bool) -> [UInt8]? {
    require(count >= 0, "\(count) bytes cannot be read")
    return queue.count >= count || isAtEnd ? [UInt8](queue.bytes.prefix(count)) : nil
  }

  private func copyBytes(into buffer: UnsafeMutableRawBufferPointer, _ isAtEnd: Bool) throws -> Void? {
    guard try has(buffer.count, isAtEnd) else { return nil }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: queue.bytes.prefix(buffer.count)))
    drop(buffer.count)
    return ()
  }

  private func integer<Integer: FixedWidthInteger>(_ order: ByteOrder, _ isAtEnd: Bool) throws -> Integer? {
    let count = MemoryLayout<Integer>.size
    guard try has(count, isAtEnd) else { return nil }
    defer { drop(count) }
    return order.arranged(queue.bytes.loadUnaligned(as: Integer.self))
  }

  /// Fills a large `buffer` directly; if that fails, the bytes that came are put back into the reader's buffer.
  private func readDirectly(into buffer: UnsafeMutableRawBufferPointer) throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    try throwFailure()
    var count = take(into: buffer)
    queue.trim()
    do {
      while count < buffer.count {
        let found = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst(count)))
        if found == 0 { throw UnexpectedEndError(wanted: buffer.count, got: count) }
        count += found
      }
    } catch {
      queue.prepend(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
      throw error
    }
  }

  /// Moves as many bytes as fit from the buffer.
  func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, queue.count)
    guard count > 0 else { return 0 }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: queue.bytes.prefix(count)))
    drop(count)
    return count
  }
}
