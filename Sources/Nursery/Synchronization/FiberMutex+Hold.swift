extension FiberMutex where State: ~Copyable {
  /// The lock, as its owner has it after `lockOp()`.
  ///
  /// `release()` releases the lock, and so does the end of the last reference. Only the fiber, thread or task that
  /// performed the operation may use it.
  public final class Hold {
    private let mutex: FiberMutex
    private let repairs: Bool
    private var isHeld = true
    /// Whether `withState` runs; its caller keeps the hold, so it does not end meanwhile.
    private var isInUse = false

    init(_ mutex: FiberMutex, repairs: Bool) {
      self.mutex = mutex
      self.repairs = repairs
    }

    deinit {
      // An error may have cut the use short, so the state does not count as repaired.
      if isHeld { mutex.lock.release() }
    }

    /// Runs `body` on the state.
    ///
    /// Does not wait and does not release the lock. Traps after `release()`, inside itself, and by a performer that
    /// does not own the lock. What `body` throws does not poison the lock.
    public func withState<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      check()
      isInUse = true
      defer { isInUse = false }
      nonisolated(unsafe) let state = mutex.state
      return try body(&state.pointee)
    }

    /// Releases the lock; the first waiter owns it from now on.
    ///
    /// Never blocks. Traps when called again, inside `withState`, and by a performer that does not own the lock.
    public func release() {
      check()
      isHeld = false
      mutex.lock.end(repairs: repairs)
    }

    private func check() {
      require(isHeld, "this hold of a FiberMutex has been released; perform lockOp() again")
      mutex.lock.checkOwner()
      require(
        !isInUse,
        "a hold of a FiberMutex is used inside its own withState { }; use the state that the closure gets, and release the hold after it"
      )
    }
  }
}

@available(*, unavailable, message: "only the fiber, thread or task that owns the lock may use its hold")
extension FiberMutex.Hold: Sendable where State: ~Copyable {}
