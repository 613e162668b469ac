import Synchronization

/// Deadlines: a scope may cancel itself at an instant, which may be moved at any time and from anywhere.
///
/// The deadline stands in the timers of `timerWorker` while it is not `.max`; both are written under the scope's lock, which is taken
/// before the timers' own. Who fires a deadline has taken it from the timers and then cancels, and may be overtaken in between:
///
///     in the timers -- popped, firings + 1 --> firing -- under the scope's lock: still due? --> cancelled, firings - 1
///           ^                                    |
///           +------- moved to a later instant ---+  the firing finds it not due, and does nothing
///
/// Invariant: a scope's memory outlives its firings. `close` forbids further deadlines, takes the last one out of the timers, and
/// waits, holding no lock, for who has popped one before.
extension ScopeRef {
  /// The instant at which the scope cancels itself; `.max` for never.
  package var deadline: Int64 {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.deadline
  }

  /// Moves the instant at which the scope cancels itself; does nothing once it is cancelled or closed.
  package func setDeadline(_ deadline: Int64) {
    pointee.lock.lock()
    if isBeyondDeadlines { return pointee.lock.unlock() }
    let isDue = deadline != .max && deadline <= pointee.timerWorker!.now
    replaceDeadline(deadline, .deadline, isDue: isDue)
  }

  /// As `setDeadline`, given how long from now.
  package func setDeadline(after nanoseconds: Int64) {
    pointee.lock.lock()
    if isBeyondDeadlines { return pointee.lock.unlock() }
    let isDue = nanoseconds <= 0
    let deadline = isDue ? .min : saturatingAdd(pointee.timerWorker!.now, nanoseconds)
    replaceDeadline(deadline, .deadline, isDue: isDue)
  }

  /// Lets the scope cancel itself so long from now, unless it does earlier anyway.
  func bringDeadlineForward(_ nanoseconds: Int64, _ reason: CancellationReason) {
    pointee.lock.lock()
    if isBeyondDeadlines { return pointee.lock.unlock() }
    let deadline = saturatingAdd(pointee.timerWorker!.now, nanoseconds)
    if nanoseconds > 0, deadline >= pointee.deadline { return pointee.lock.unlock() }
    replaceDeadline(deadline, reason, isDue: nanoseconds <= 0)
  }

  /// Whether a deadline makes no difference any more; the worker of a closed scope may be gone.
  ///
  /// Called with the lock held.
  private var isBeyondDeadlines: Bool { pointee.isClosed || pointee.reason != nil }

  /// Called with the lock held, which it gives up.
  private func replaceDeadline(_ deadline: Int64, _ reason: CancellationReason, isDue: Bool) {
    removeDeadline()
    pointee.deadline = isDue ? .max : deadline
    pointee.deadlineReason = reason
    if pointee.deadline != .max {
      let worker = pointee.timerWorker!
      worker.pointee.timers.insert(.deadline(self), deadline: deadline)
      worker.tellOfTimer(deadline)
    }
    if isDue { cancelUnderLock(reason) }
    pointee.lock.unlock()
  }

  /// Takes the deadline, if there is one, out of the timers; it may be firing all the same.
  ///
  /// Called with the lock held.
  func removeDeadline() {
    if pointee.deadline != .max { pointee.timerWorker!.pointee.timers.remove(self) }
  }

  /// Waits, with no lock held, until nobody touches the scope on account of a deadline any more.
  func waitForFirings() {
    spin { pointee.firings.load(ordering: .acquiring) != 0 }
  }

  /// Cancels the scope if its deadline has not been moved since it was found due at `now`.
  func fireDeadline(_ now: Int64) {
    pointee.lock.lock()
    if pointee.deadline <= now { cancelUnderLock(pointee.deadlineReason) }
    pointee.lock.unlock()
    pointee.firings.subtract(1, ordering: .releasing)
  }

  /// Lets another worker of the same thread keep the deadlines of this scope and those around it: a scheduler is run inside, or has
  /// ended, and `old` does not run meanwhile.
  ///
  /// A deadline keeps its distance if the clocks differ.
  func moveDeadlines(from old: WorkerRef, to new: WorkerRef) {
    let difference = old.isVirtual || new.isVirtual ? new.now - old.now : 0
    var candidate: ScopeRef? = self
    while let scope = candidate {
      scope.pointee.lock.lock()
      if scope.pointee.timerWorker == old { scope.moveDeadline(to: new, difference) }
      scope.pointee.lock.unlock()
      candidate = scope.pointee.parent
    }
  }

  private func moveDeadline(to new: WorkerRef, _ difference: Int64) {
    removeDeadline()
    pointee.timerWorker = new
    guard pointee.deadline != .max, pointee.reason == nil else { return }
    pointee.deadline = Swift.min(saturatingAdd(pointee.deadline, difference), .max - 1)
    new.pointee.timers.insert(.deadline(self), deadline: pointee.deadline)
  }
}
