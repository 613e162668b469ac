/// A lock around a state that many may read at once and one may change at a time; it may be held across waits.
///
///     let routes = ReadWriteLock(Routes())
///     let route = try routes.withReadLock { $0[path] }
///     try routes.withWriteLock { $0[path] = handler }
///
/// Writers go first: while one waits, new readers wait, too. A fiber that holds a read lock may take another one all
/// the same. It cannot take the write lock meanwhile: that throws an `UpgradeError`. A *child* of a reader is another
/// fiber: if it reads while a writer waits, and the reader waits for the child, all three wait for ever. Let the child
/// use what the reader has read.
///
/// Where reads are short, a `FiberMutex` is quicker. Taking a free lock allocates nothing once as many readers have
/// been there before.
public final class ReadWriteLock<State: Sendable & ~Copyable>: @unchecked Sendable {
  let lock = ReadWriteGate()
  // Behind a pointer: an access may last while its fiber waits.
  let state: UnsafeMutablePointer<State>

  /// Creates a lock that no fiber holds.
  public init(_ initial: consuming State) {
    state = .allocate(capacity: 1)
    state.initialize(to: initial)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Runs `body` while no fiber changes the state.
  ///
  /// Waits for the writer, and for writers that wait. A cancellation point.
  ///
  /// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled, `RelockError` if the caller holds
  ///   the write lock. In these cases `body` has not run.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @_disfavoredOverload
  public func withReadLock<Result: ~Copyable>(
    file: StaticString = #fileID, line: UInt = #line, _ body: (borrowing State) throws -> Result
  ) throws -> Result {
    let reader = try lock.read(SourceSite(file: file, line: line))
    defer { lock.endReading(reader) }
    return try body(state.pointee)
  }

  /// Runs `body` while no other fiber reads or changes the state.
  ///
  /// Waits for the readers and the writer. A cancellation point.
  ///
  /// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled, `RelockError` if the caller holds
  ///   the write lock, `UpgradeError` if it holds a read lock. In these cases `body` has not run.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @_disfavoredOverload
  public func withWriteLock<Result: ~Copyable>(
    file: StaticString = #fileID, line: UInt = #line, _ body: (inout State) throws -> Result
  ) throws -> Result {
    try lock.write(SourceSite(file: file, line: line))
    defer { lock.endWriting() }
    return try body(&state.pointee)
  }

  /// The operation that commits when the caller holds a read lock; its value releases it.
  ///
  /// A branch that loses holds nothing. Performing it throws as `withReadLock` does.
  public func readLockOp(file: StaticString = #fileID, line: UInt = #line) -> Op<ReadHold> {
    lock.readOp(SourceSite(file: file, line: line)).wrap { [self] reader in ReadHold(self, reader) }
  }

  /// The operation that commits when the caller holds the write lock; its value releases it.
  ///
  /// A branch that loses holds nothing. Performing it throws as `withWriteLock` does.
  public func writeLockOp(file: StaticString = #fileID, line: UInt = #line) -> Op<WriteHold> {
    lock.writeOp(SourceSite(file: file, line: line)).wrap { [self] in WriteHold(self) }
  }
}
