import NurseryCore

// Writing at the position. If the kernel cannot write without waiting, a thread of the pool writes (`isWriting`).
// `write` lends the thread its bytes, and commits when the thread begins. An operation made of attempts must commit
// before anything is written, so it copies the bytes and commits then. In both cases the call waits for the end,
// whether or not it is cancelled meanwhile. So an error is thrown by its own call, and a call that throws
// `CancellationError` has written nothing. A second write, and a read, wait for the first. Accepted bytes keep the
// descriptor open until they are written, so closing the file loses none.
//
// A device or a FIFO that was opened here is written as pipes are, by the fiber itself (`isNonblocking`).
extension FileStream {
  private static let mostLent = 16 << 20

  /// Whether `tryWrite` only accepts bytes.
  ///
  /// True for a file: only the kernel knows whether a write completes at once. False for a device or a FIFO.
  public var writesLater: Bool { !isNonblocking }

  /// Accepts bytes to be written at the position: returns their number, nil while earlier bytes are being written.
  ///
  /// Never blocks. Accepted bytes are written even if the file is closed meanwhile. If that fails, the next call throws
  /// the error; `write` waits, and throws it itself. If there is no further call, the error is reported as suppressed.
  ///
  /// - Throws: `SystemError` if it cannot be written, `StreamClosedError` if it was closed here.
  public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    try withUnsafePointer(to: bytes) { try tryWrite(parts: UnsafeBufferPointer(start: $0, count: 1)) }
  }

  /// Accepts several parts as if they were one; see `tryWrite(_:)`.
  ///
  /// Never blocks.
  ///
  /// - Throws: as `tryWrite(_:)`.
  public func tryWrite(parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws -> Int? {
    guard let first = parts.first(where: { !$0.isEmpty }) else { return 0 }
    if isClosed { throw StreamClosedError(stream: description) }
    if isNonblocking { return try writeDevice(first) }
    guard try isReadyToWrite() else { return nil }
    if let count = try writeNow(first) { return count }
    var chunk: [UInt8] = []
    chunk.reserveCapacity(min(parts.reduce(0) { $0 + $1.count }, Self.mostAtOnce))
    for part in parts where chunk.count < Self.mostAtOnce { chunk += part.prefix(Self.mostAtOnce - chunk.count) }
    try give(chunk)
    return chunk.count
  }

  /// Writes at the position: returns the number of bytes, fewer than given if a part fails or if they are very many.
  ///
  /// A cancellation point; then nothing has been written. Copies nothing: while a thread of the pool writes, the bytes
  /// are lent to it.
  ///
  /// - Throws: as `tryWrite(_:)`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func write(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    try Descriptor.enter()
    if bytes.isEmpty { return 0 }
    if isClosed { throw StreamClosedError(stream: description) }
    if isNonblocking { return try writeDevice(bytes) ?? writeOp(bytes).perform() }
    guard try isReadyToWrite() else { return try writeOp(bytes).perform() }
    if let count = try writeNow(bytes) { return count }
    return try lend(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.mostLent)))
  }

  private func writeDevice(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.mostAtOnce))
    let result = descriptor.attempt(.writable) { System.write($0, bytes) }
    guard let count = try result.value("write to", self) else { return nil }
    withLock { currentPosition += Int64(count) }
    return count
  }

  private func lend(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    let offset = withLock {
      isWriting = true
      return currentPosition
    }
    var written = 0
    defer { endWrite(written, at: offset, written, nil, isAccepted: false) }
    do {
      try BlockingPool.shared.call { try self.writeIfOpen(bytes, at: offset, &written) }
    } catch {
      if written == 0 { throw error }
    }
    return written
  }

  /// The operation that commits when `attempt`, which tries to write, returns a value; see `WritableStream`.
  ///
  /// A perform returns when the accepted bytes have been written, or throws the error.
  public func whenWritableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.writable, keeping: self, attempt).wrap { value in
      try self.finishWriting()
      return value
    }
  }

  /// Waits until the pool has written, and throws its error.
  ///
  /// May be called by a fiber or by a thread of the pool.
  func finishWriting() throws {
    while !(try isReadyToWrite()) {
      try BlockingPool.shared.lendingThread {
        try withShield {
          try descriptor.op(.writable, keeping: self) { self.withLock { self.isWriting } ? nil : () }.perform()
        }
      }
    }
  }

  /// Whether no write is in progress; throws the last write's error, once.
  private func isReadyToWrite() throws -> Bool {
    try withLock {
      if let error = writeError {
        writeError = nil
        throw error
      }
      return !isWriting
    }
  }

  /// The contents have changed, and the position has moved.
  private func moved(by count: Int) {
    currentPosition += Int64(count)
    changes += 1
    if isSeekable { fetched = nil }
  }

  /// Writes at the position, as far as possible without waiting.
  private func writeNow(_ bytes: UnsafeRawBufferPointer) throws -> Int? {
    guard canWriteNow.load(ordering: .relaxed), isSeekable, !isAppending else { return nil }
    let offset = withLock { currentPosition }
    let result = descriptor.useNow { System.writeNow($0, bytes, at: offset) }
    if case .failed(let code) = result, System.isNotSupported(code) {
      canWriteNow.store(false, ordering: .relaxed)
      return nil
    }
    guard let count = try result.value("write to", self) else { return nil }
    withLock { moved(by: count) }
    return count
  }

  private func give(_ chunk: [UInt8]) throws {
    guard descriptor.beginUse() else { throw StreamClosedError(stream: description) }
    let offset = withLock {
      isWriting = true
      defer { moved(by: chunk.count) }
      return currentPosition
    }
    BlockingPool.shared.start {
      var done = 0
      let result = chunk.withUnsafeBytes { self.writeFully(self.descriptor.number, $0, at: offset, &done) }
      let error = result < 0 ? SystemError(code: Int32(-result), action: "write to \(self.description)") : nil
      return (done, error)
    } completion: { (outcome: Result<(Int, SystemError?), any Error>) in
      switch outcome {
      case .success((let done, let error)): self.endWrite(chunk.count, at: offset, done, error)
      case .failure(let error): self.endWrite(chunk.count, at: offset, 0, error)
      }
    }
  }

  /// Runs on a thread of the pool.
  func writeIfOpen(_ bytes: UnsafeRawBufferPointer, at offset: Int64, _ done: inout Int) throws {
    _ = try descriptor.use { writeFully($0, bytes, at: offset, &done) }.value("write to", self)
  }

  /// Returns how many bytes have been written, or a negative errno value.
  private func writeFully(_ number: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64, _ done: inout Int) -> Int
  {
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let place = isSeekable && !isAppending ? offset + Int64(done) : -1
      let result = System.write(number, rest, at: place)
      if result < 0 { return result }
      done += result
    }
    return done
  }

  private func endWrite(
    _ count: Int, at offset: Int64, _ done: Int, _ error: (any Error)?, isAccepted: Bool = true
  ) {
    withLock {
      isWriting = false
      if !isAccepted { moved(by: count) }
      changes += 1
      writeError = error
      let end = offset + Int64(count)
      if isAppending, isSeekable {
        if case .done(let position) = descriptor.use({ Int(System.position($0)) }) { currentPosition = Int64(position) }
      } else if currentPosition == end {
        currentPosition = offset + Int64(done)
      }
    }
    if isAccepted { descriptor.endUse() }
    descriptor.signal(.writable)
    descriptor.signal(.readable)
  }
}
