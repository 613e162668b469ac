/// A lock around a state, which may be held while its owner waits.
///
///     let account = FiberMutex(Account())
///     try account.withLock { account in
///       account.balance = try bank.balance(of: account)  // may wait
///     }
///
/// A `Mutex` of the standard library is for short sections that never wait: it blocks the thread, and all fibers of
/// that thread. A `FiberMutex` suspends the fiber or task alone. Fibers, tasks and plain threads may use it
/// together; each of them owns what it has locked, a task also when it goes on on another thread.
///
/// Waiters own the lock in the order they came, and a newcomer never overtakes them. A waiter that is cancelled never
/// owns the lock, and a cancelled owner releases it like any other. Taking a free lock allocates nothing.
public final class FiberMutex<State: ~Copyable>: @unchecked Sendable {
  @usableFromInline let lock: OwnedLock
  // Behind a pointer: the owner may wait in the middle of an access, which is none that Swift would track.
  @usableFromInline let state: UnsafeMutablePointer<State>

  /// Creates a lock that no fiber holds.
  ///
  /// - Parameter poisons: whether a body that throws makes later uses throw `PoisonedLockError`, until one has repaired the
  ///   state. A `CancellationError` or `NurseryCancelledError` does not poison.
  @inlinable
  public init(_ initial: consuming sending State, poisons: Bool = false) {
    lock = OwnedLock(poisons: poisons)
    state = .allocate(capacity: 1)
    state.initialize(to: initial)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Runs `body` while the caller owns the lock.
  ///
  /// Waits until the lock is free and no earlier waiter is left. A cancellation point.
  ///
  /// - Parameter repairs: whether to run `body` even if the lock is poisoned; if it returns, the poison is gone.
  /// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled, `RelockError` if the caller owns
  ///   the lock, `PoisonedLockError` if an earlier body has poisoned it. In these three cases `body` has not run.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @_disfavoredOverload
  @inlinable
  public func withLock<Result: ~Copyable>(
    repairs: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: (inout sending State) throws -> sending Result
  ) throws -> sending Result {
    try lock.acquire(repairs: repairs, SourceSite(file: file, line: line))
    do {
      nonisolated(unsafe) let state = state
      let result = try body(&state.pointee)
      lock.end(repairs: repairs)
      return result
    } catch {
      lock.end(throwing: error)
      throw error
    }
  }

  /// The operation that commits when the caller owns the lock; its value releases it.
  ///
  /// A branch that loses has not taken the lock. Performing it fails with `RelockError` if the caller owns the lock,
  /// and with `PoisonedLockError` if an earlier body has poisoned it.
  ///
  /// - Parameter repairs: whether the lock may be poisoned; `release()` removes the poison then, the mere end of the hold
  ///   does not.
  public func lockOp(
    repairs: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> Op<Hold> {
    lock.acquireOp(repairs: repairs, SourceSite(file: file, line: line)).wrap { Hold(self, repairs: repairs) }
  }
}
