import NurseryCore

// Reading at the position, without losing anything:
//
//     in memory? ------------------------ yes -> read, the position moves
//        | no, or the file system cannot tell
//        v
//     fetched for this position? -------- yes -> copied, the position moves
//        | no
//        v
//     a thread of the pool reads into a buffer of the stream (`isFetching`), then signals; waiters retry
//
// A fetch belongs to no operation and moves no position. So an operation that waits for it and loses has had no effect,
// and the next one finds the fetched bytes. In a stream without positions, fetched bytes are never discarded and are
// read first. A device or a FIFO that was opened here is read as pipes are (`isNonblocking`): the kernel reports
// would-block, and the reactor reports when to try again.
extension FileStream {
  /// Bytes that were read ahead.
  struct Fetched {
    var offset: Int64
    /// Empty at the end of the file.
    var result: Result<[UInt8], any Error>
    var used = 0
  }

  /// Below the size for which the allocator maps and unmaps memory each time.
  private static let leastFetch = 120 << 10

  /// Reads cached bytes at the position: returns their number, 0 at the end.
  ///
  /// If none are cached, begins to fetch them and returns nil.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if it cannot be read, `StreamClosedError` if it was closed here.
  public func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty { return 0 }
    if isClosed { throw StreamClosedError(stream: description) }
    if isNonblocking { return try readDevice(into: buffer) }
    if !isSeekable, let count = try takeFetched(buffer) { return count }
    let (offset, mayRead) = withLock { (currentPosition, !isWriting && (isSeekable || !isFetching)) }
    guard mayRead else { return nil }
    if let count = try readNow(into: buffer, at: offset) {
      withLock { currentPosition += Int64(count) }
      return count
    }
    if isSeekable, let count = try takeFetched(buffer) { return count }
    fetch(atLeast: buffer.count)
    return nil
  }

  /// Reads at the position into `buffer`: returns the number of bytes, 0 at the end.
  ///
  /// A cancellation point; then nothing has been read. Allocates nothing if it need not wait.
  ///
  /// - Throws: as `tryRead`; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try Descriptor.enter()
    return try tryRead(into: buffer) ?? readOp(into: buffer).perform()
  }

  /// The operation that commits when `attempt`, which tries to read, returns a value; see `ReadableStream`.
  public func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    descriptor.op(.readable, keeping: self, attempt)
  }

  private func readDevice(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Self.mostAtOnce))
    let result = descriptor.attempt(.readable) { number in
      // Before its first writer opens it, a FIFO reads as ended, but poll(2) does not report it as ready.
      let lacksWriter = mayLackWriter.load(ordering: .relaxed) && System.pollNow(number, .readable) == 0
      return lacksWriter ? -Int(System.wouldBlock) : System.read(number, buffer)
    }
    guard let count = try result.value("read from", self) else { return nil }
    mayLackWriter.store(false, ordering: .relaxed)
    withLock { currentPosition += Int64(count) }
    return count
  }

  /// Reads at an offset, as far as possible without waiting.
  func readNow(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int? {
    guard canReadNow.load(ordering: .relaxed) else { return nil }
    let result = descriptor.useNow { System.readNow($0, buffer, at: isSeekable ? offset : -1) }
    if case .failed(let code) = result, System.isNotSupported(code) {
      canReadNow.store(false, ordering: .relaxed)
      return nil
    }
    return try result.value("read from", self)
  }

  private func takeFetched(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    try withLock {
      guard let found = fetched, !isSeekable || found.offset + Int64(found.used) == currentPosition else { return nil }
      guard case .success(let bytes) = found.result else {
        fetched = nil
        return try found.result.get().count
      }
      let count = min(buffer.count, bytes.count - found.used)
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[found.used..<found.used + count]))
      }
      currentPosition += Int64(count)
      fetched!.used += count
      if fetched!.used == bytes.count { fetched = nil }
      return count
    }
  }

  private func fetch(atLeast count: Int) {
    let begins = withLock {
      defer { isFetching = true }
      return !isFetching
    }
    guard begins else { return }
    let (offset, changes) = withLock { (currentPosition, self.changes) }
    let size = min(max(count, Self.leastFetch), Self.mostAtOnce)
    BlockingPool.shared.start {
      try self.readFully(size, at: offset)
    } completion: {
      self.endFetch(offset, $0, since: changes)
    }
  }

  /// Runs on a thread of the pool.
  func readFully(_ count: Int, at offset: Int64) throws -> [UInt8] {
    try [UInt8](upTo: count, atOnce: count) { buffer in
      try descriptor.use { System.read($0, buffer, at: isSeekable ? offset : -1) }.value("read from", self)!
    }
  }

  private func endFetch(_ offset: Int64, _ result: Result<[UInt8], any Error>, since changes: Int) {
    withLock {
      isFetching = false
      if !isSeekable || changes == self.changes { fetched = Fetched(offset: offset, result: result) }
    }
    descriptor.signal(.readable)
  }
}
