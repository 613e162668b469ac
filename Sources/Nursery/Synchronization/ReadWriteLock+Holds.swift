extension ReadWriteLock where State: ~Copyable {
  /// A read lock, as the fiber, thread or task has it that performed `readLockOp()`.
  ///
  /// It is released by `release()`, or when the last reference to this is gone.
  public final class ReadHold {
    private let owner: ReadWriteLock
    private let reader: PerformerKey
    private var isHeld = true
    /// How many calls of `withState` run; their callers keep the hold, so it does not end meanwhile.
    private var uses = 0

    init(_ owner: ReadWriteLock, _ reader: PerformerKey) {
      self.owner = owner
      self.reader = reader
    }

    deinit {
      if isHeld { owner.lock.endReading(reader) }
    }

    /// Runs `body` on the state.
    ///
    /// Does not wait and does not release the lock. Traps after `release()`, and by another performer.
    public func withState<Result: ~Copyable, Failure: Error>(
      _ body: (borrowing State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
      check()
      uses += 1
      defer { uses -= 1 }
      return try body(owner.state.pointee)
    }

    /// Releases the lock.
    ///
    /// Never blocks. Traps when called again, inside `withState`, and by another performer.
    public func release() {
      check()
      require(
        uses == 0,
        "a read hold is released inside its own withState { }; release it after the closure")
      isHeld = false
      owner.lock.endReading(reader)
    }

    private func check() {
      require(isHeld, "this read hold has been released; release it once, and perform readLockOp() to read again")
      require(
        reader.isCaller,
        "a read hold is used by another fiber, thread or task than its owner; let the owner release it, and perform readLockOp() here"
      )
    }
  }

  /// The write lock, as the fiber, thread or task has it that performed `writeLockOp()`.
  ///
  /// It is released by `release()`, or when the last reference to this is gone.
  public final class WriteHold {
    private let owner: ReadWriteLock
    private var isHeld = true
    /// Whether `withState` runs; its caller keeps the hold, so it does not end meanwhile.
    private var isInUse = false

    init(_ owner: ReadWriteLock) {
      self.owner = owner
    }

    deinit {
      if isHeld { owner.lock.endWriting() }
    }

    /// Runs `body` on the state.
    ///
    /// Does not wait and does not release the lock. Traps after `release()`, inside itself, and by another performer.
    public func withState<Result: ~Copyable, Failure: Error>(
      _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
      check()
      isInUse = true
      defer { isInUse = false }
      return try body(&owner.state.pointee)
    }

    /// Releases the lock.
    ///
    /// Never blocks. Traps when called again, inside `withState`, and by another performer.
    public func release() {
      check()
      isHeld = false
      owner.lock.endWriting()
    }

    private func check() {
      require(
        isHeld, "this write hold has been released; release it once, and perform writeLockOp() to write again")
      owner.lock.checkWriter()
      require(
        !isInUse,
        "a write hold is used inside its own withState { }; use the state that the closure gets, and release the hold after it"
      )
    }
  }
}

@available(*, unavailable, message: "only the fiber, thread or task that holds the lock may use its hold")
extension ReadWriteLock.ReadHold: Sendable where State: ~Copyable {}
@available(*, unavailable, message: "only the fiber, thread or task that holds the lock may use its hold")
extension ReadWriteLock.WriteHold: Sendable where State: ~Copyable {}
