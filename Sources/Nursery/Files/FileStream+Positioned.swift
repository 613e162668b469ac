import NurseryCore

extension FileStream {
  /// The offset of the next read or write, in bytes from the beginning.
  ///
  /// For a device without positions, the number of bytes read and written.
  public var position: Int64 { withLock { currentPosition } }

  /// Moves the position.
  ///
  /// It may be beyond the end; a write there leaves a hole that reads as zeros.
  ///
  /// Never blocks. A file opened for appending is written at its end nevertheless.
  ///
  /// - Throws: `SystemError` for a negative offset, or a device without positions.
  public func seek(to offset: Int64) throws {
    guard isSeekable else { throw SystemError(code: System.notSeekable, action: "move the position in \(description)") }
    guard offset >= 0 else {
      throw SystemError(code: System.invalidArgument, action: "move the position in \(description) to \(offset)")
    }
    withLock { currentPosition = offset }
  }

  /// Reads at most `count` bytes at an offset; empty at the end.
  ///
  /// Neither uses nor moves the position.
  ///
  /// Memory use follows the size of the data, not `count`. Any number of fibers may read at the same time. A
  /// cancellation point.
  ///
  /// - Throws: `SystemError` if it cannot be read, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(upTo count: Int, at offset: Int64) throws -> [UInt8] {
    try readOp(upTo: count, at: offset).perform()
  }

  /// The operation that reads at most `count` bytes at an offset; see `read(upTo:at:)`.
  public func readOp(upTo count: Int, at offset: Int64) -> Op<[UInt8]> {
    .guarded {
      try self.check(offset, "read from")
      if count == 0 { return .always([]) }
      guard count <= Self.mostAtOnce else { return self.readManyOp(upTo: count, at: offset) }
      var isReady = false
      let bytes = try [UInt8](upTo: count) {
        let found = try self.readNow(into: $0, at: offset)
        isReady = found != nil
        return found ?? 0
      }
      if isReady { return .always(bytes) }
      return BlockingPool.shared.interruptibleOp { try self.readFully(count, at: offset) }
    }
  }

  /// Memory use follows the size of the data, not `count`.
  private func readManyOp(upTo count: Int, at offset: Int64) -> Op<[UInt8]> {
    BlockingPool.shared.interruptibleOp {
      var status: System.FileStatus?
      _ = try self.descriptor.use { Int(System.status($0, &status)) }.value("find the size of", self)
      // A file may be larger than its stated size: files in /proc state 0.
      let most = max(status!.size - offset, Int64(Self.mostAtOnce))
      return try self.readFully(Int(min(Int64(count), most)), at: offset)
    }
  }

  /// Writes all bytes at an offset.
  ///
  /// Neither uses nor moves the position.
  ///
  /// Any number of fibers may write at the same time, at different offsets. A cancellation point; then nothing has been
  /// written.
  ///
  /// - Throws: `SystemError` if it cannot be written, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: [UInt8], at offset: Int64) throws { try writeOp(bytes, at: offset).perform() }

  /// The operation that writes all bytes at an offset; it commits when a thread begins to write.
  ///
  /// See `write(_:at:)`.
  public func writeOp(_ bytes: [UInt8], at offset: Int64) -> Op<Void> {
    BlockingPool.shared.committedOp {
      try self.check(offset, "write to")
      defer { self.contentsChanged() }
      var done = 0
      try bytes.withUnsafeBytes { try self.writeIfOpen($0, at: offset, &done) }
    }
  }

  /// Returns the size in bytes.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `SystemError`, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func size() throws -> Int64 { try sizeOp().perform() }

  /// The operation that returns the size.
  public func sizeOp() -> Op<Int64> {
    blockingOp {
      try self.finishWriting()
      var status: System.FileStatus?
      _ = try self.descriptor.use { Int(System.status($0, &status)) }.value("find the size of", self)
      return status!.size
    }
  }

  /// Truncates the file, or extends it with zeros; the position stays.
  ///
  /// A cancellation point; then nothing has happened.
  ///
  /// - Throws: `SystemError`, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func truncate(to size: Int64) throws { try truncateOp(to: size).perform() }

  /// The operation that truncates the file; it commits when a thread begins to do so.
  public func truncateOp(to size: Int64) -> Op<Void> {
    BlockingPool.shared.committedOp {
      try self.finishWriting()
      defer { self.contentsChanged() }
      _ = try self.descriptor.use { Int(System.truncate($0, to: size)) }.value("set the size of", self)
    }
  }

  /// Waits until all written bytes are on the device and would survive a loss of power.
  ///
  /// A cancellation point until a thread calls fsync(2); from then on the call waits for the device. An operation that
  /// loses waits for it too.
  ///
  /// - Parameter dataOnly: omits metadata that is not needed to read the data, such as the modification time.
  /// - Throws: `SystemError` if something could not be written, `StreamClosedError` if it was closed here,
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func sync(dataOnly: Bool = false) throws { try syncOp(dataOnly: dataOnly).perform() }

  /// The operation that commits when all written bytes are on the device.
  public func syncOp(dataOnly: Bool = false) -> Op<Void> {
    blockingOp {
      try self.finishWriting()
      _ = try self.descriptor.use { Int(System.sync($0, dataOnly: dataOnly)) }.value("sync", self)
    }
  }

  private func check(_ offset: Int64, _ verb: String) throws {
    guard isSeekable else { throw SystemError(code: System.notSeekable, action: "\(verb) \(description) at an offset") }
    guard offset >= 0 else {
      throw SystemError(code: System.invalidArgument, action: "\(verb) \(description) at offset \(offset)")
    }
  }

  private func contentsChanged() {
    withLock {
      changes += 1
      if isSeekable { fetched = nil }
    }
  }
}
