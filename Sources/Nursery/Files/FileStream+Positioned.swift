import NurseryCore

extension FileStream {
  /// Where the next read or write takes place, in bytes from the beginning.
  ///
  /// Of a device without positions: how many bytes have been read and written.
  public var position: Int64 { withLock { currentPosition } }

  /// Moves the position; beyond the end, too, where a write leaves a hole that reads as zeros.
  ///
  /// Never blocks. Files opened for appending are written at their end all the same.
  ///
  /// - Throws: `SystemError` for a negative offset, or a device without positions.
  public func seek(to offset: Int64) throws {
    guard isSeekable else { throw SystemError(code: System.notSeekable, action: "move the position in \(description)") }
    guard offset >= 0 else {
      throw SystemError(code: System.invalidArgument, action: "move the position in \(description) to \(offset)")
    }
    withLock { currentPosition = offset }
  }

  /// Reads at most `count` bytes at an offset, whatever the position, which does not move; empty at the end.
  ///
  /// Takes memory for what is there, not for what is asked for.
  /// Any number of fibers may do so at the same time. A cancellation point.
  ///
  /// - Throws: `SystemError` if it cannot be read, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
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

  /// Memory follows what there is, not what was asked for.
  private func readManyOp(upTo count: Int, at offset: Int64) -> Op<[UInt8]> {
    BlockingPool.shared.interruptibleOp {
      var status: System.FileStatus?
      _ = try self.descriptor.use { Int(System.status($0, &status)) }.value("find the size of", self)
      // A file may be larger than it says: those in /proc say that they are empty.
      let most = max(status!.size - offset, Int64(Self.mostAtOnce))
      return try self.readFully(Int(min(Int64(count), most)), at: offset)
    }
  }

  /// Writes all bytes at an offset, whatever the position, which does not move.
  ///
  /// Any number of fibers may do so at the same time, at different places. A cancellation point; then nothing has been
  /// written.
  ///
  /// - Throws: `SystemError` if it cannot be written, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
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

  /// How many bytes there are.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `SystemError`, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func size() throws -> Int64 { try sizeOp().perform() }

  /// The operation that finds out how many bytes there are.
  public func sizeOp() -> Op<Int64> {
    blockingOp {
      try self.finishWriting()
      var status: System.FileStatus?
      _ = try self.descriptor.use { Int(System.status($0, &status)) }.value("find the size of", self)
      return status!.size
    }
  }

  /// Cuts the file off, or extends it with zeros; the position stays.
  ///
  /// A cancellation point; then nothing has happened.
  ///
  /// - Throws: `SystemError`, `StreamClosedError` if it was closed here, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func truncate(to size: Int64) throws { try truncateOp(to: size).perform() }

  /// The operation that cuts the file off; it commits when a thread begins with it.
  public func truncateOp(to size: Int64) -> Op<Void> {
    BlockingPool.shared.committedOp {
      try self.finishWriting()
      defer { self.contentsChanged() }
      _ = try self.descriptor.use { Int(System.truncate($0, to: size)) }.value("set the size of", self)
    }
  }

  /// Waits until what has been written is on the device, and would survive a loss of power.
  ///
  /// A cancellation point until the device is asked; then the call waits for it. The operation that loses waits for it,
  /// too.
  ///
  /// - Parameter dataOnly: leaves out what is not needed to read the data again, such as the time of change.
  /// - Throws: `SystemError` if something could not be written, `StreamClosedError` if it was closed here,
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func sync(dataOnly: Bool = false) throws { try syncOp(dataOnly: dataOnly).perform() }

  /// The operation that commits when what has been written is on the device.
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
