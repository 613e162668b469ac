import Synchronization

/// Deadlines: a scope may cancel itself at an instant, which may be moved at any time and from anywhere.
///
/// The deadline is in the timers of `alarm.worker` while it is not `.max`; both are written under the scope's lock,
/// which is taken before the timers' own. A thread that fires a deadline takes it from the timers first and then
/// cancels; the deadline may be moved in between:
///
///     in the timers -- popped, visitors + 1 --> firing -- under the scope's lock: still due? --> cancelled, visitors - 1
///           ^                                     |
///           +------- moved to a later instant ----+  the firing finds it not due, and does nothing
///
/// Invariant: a scope's memory outlives its visitors. `close` forbids further deadlines, takes the last one out of the
/// timers, and waits, without holding a lock, for each thread that has popped one before.
///
/// The timers wake fibers that wait. A fiber that does not wait notices the deadline at its next call: each scope
/// carries, in `expiry`, the earliest deadline of itself and the scopes around it, and a call compares that with the
/// clock (a coarse one, which is late by a tick at most and never early; the virtual clock is exact). So the answer
/// depends on no worker's timers. The first call that finds a deadline passed cancels its scope; from the deadline on
/// nothing else can: no other reason, no later deadline.
///
///     setDeadline, under the scope's lock:  own deadline := d;  expiry := min(d, the parent's expiry), and so for the scopes inside
///     cancelled:                            expiry := .min, for good
///
/// Invariant: while no deadline is being moved, a scope's expiry is the least of its own deadline and, unless it is a
/// shield, its parent's expiry. A parent stores its own expiry before it takes the lock of a scope inside, which reads
/// it under that lock: so of two deadlines that are moved at once the later to lock the inner scope sees both.
extension ScopeRef {
  /// The instant at which the scope cancels itself; `.max` for never.
  package var deadline: Int64 { withLock { pointee.alarm.deadline } }

  /// Moves the instant at which the scope cancels itself; does nothing once it is cancelled or closed.
  @usableFromInline
  package func setDeadline(_ deadline: Int64) {
    withLock {
      guard canBeMoved else { return }
      replaceDeadline(deadline, isDue: deadline != .max && deadline <= now)
    }
  }

  /// As `setDeadline`, given how long from now.
  @usableFromInline
  package func setDeadline(after nanoseconds: Int64) {
    withLock {
      guard canBeMoved else { return }
      let isDue = nanoseconds <= 0
      replaceDeadline(isDue ? .min : instant(nanoseconds, after: now), isDue: isDue)
    }
  }

  /// Lets the scope cancel itself at the end of a drain's grace, unless it does earlier anyway.
  func setGrace(_ nanoseconds: Int64) {
    withLock {
      guard canBeMoved else { return }
      let deadline = instant(nanoseconds, after: now)
      if nanoseconds > 0, deadline >= pointee.alarm.deadline { return }
      replaceDeadline(deadline, endsGrace: true, isDue: nanoseconds <= 0)
    }
  }

  /// Whether a deadline makes a difference; the worker of a closed scope may be gone.
  ///
  /// Called with the lock held. The scope is cancelled first if its deadline has passed.
  @inline(__always)
  private var canBeMoved: Bool {
    if pointee.alarm.deadline != .max { expireUnderLock() }
    return !pointee.isClosed && pointee.reason == nil
  }

  /// Called with the lock held.
  @inline(__always)
  private func replaceDeadline(_ deadline: Int64, endsGrace: Bool = false, isDue: Bool) {
    removeDeadline()
    pointee.alarm.deadline = isDue ? .max : deadline
    pointee.alarm.endsGrace = endsGrace
    if pointee.alarm.deadline != .max {
      let worker = pointee.alarm.worker!
      worker.pointee.timers.insert(.deadline(self), deadline: deadline)
      worker.tellOfTimer(deadline)
    }
    updateExpiry()
    if isDue { cancelUnderLock(deadlineReason) }
  }

  /// Takes the deadline, if there is one, out of the timers; it may be firing all the same.
  ///
  /// Called with the lock held.
  func removeDeadline() {
    if pointee.alarm.deadline != .max { pointee.alarm.worker!.pointee.timers.remove(self) }
  }

  /// Waits, without holding a lock, until no other thread uses the scope.
  func waitForVisitors() {
    spin { pointee.visitors.load(ordering: .acquiring) != 0 }
  }

  /// Cancels the scope if its deadline has not been moved since it was found due at `now`.
  func fireDeadline(_ now: Int64) {
    withLock {
      if pointee.alarm.deadline <= now { cancelUnderLock(deadlineReason) }
    }
    pointee.visitors.subtract(1, ordering: .releasing)
  }

  // MARK: Expiry

  /// The instant of the clock that the scope's deadlines go by; the scope is open.
  var now: Int64 { clock?.now ?? System.monotonicNow() }

  /// The same, late by a tick at most where the clock is a real one.
  var coarseNow: Int64 { clock?.coarseNow ?? System.coarseMonotonicNow() }

  /// A worker whose clock the scope's deadlines go by; a scope of daemons has its nursery's.
  private var clock: WorkerRef? { pointee.alarm.worker ?? pointee.links.parent?.pointee.alarm.worker }

  /// What the deadline means; asked for with the lock held.
  ///
  /// Not a property of `Alarm`, which would read all of it, and with it the ticket, which has another lock.
  var deadlineReason: CancellationReason { pointee.alarm.endsGrace ? .drained : .deadline }

  /// Whether the scope's own deadline has passed, noticed or not.
  ///
  /// Called with the lock held, on an open scope.
  var isOverdue: Bool { pointee.alarm.deadline != .max && pointee.alarm.deadline <= now }

  /// Cancels the scope if its own deadline has passed unnoticed.
  ///
  /// Called with the lock held.
  func expireUnderLock() {
    if !pointee.isClosed, pointee.reason == nil, isOverdue { cancelUnderLock(deadlineReason) }
  }

  /// Cancels this scope and those around it, up to a shield, whose deadlines have passed unnoticed.
  ///
  /// Called by a fiber inside, without a lock.
  func expire() {
    visitAround { scope in
      scope.withLock { scope.expireUnderLock() }
      return !scope.pointee.isShielded
    }
  }

  /// Computes the expiry of this scope and of those inside it anew, after its own deadline or its parent has changed.
  ///
  /// Called with the lock held. A scope that is cancelled stays so. A run inside has a clock of its own: what it was
  /// given when it began stays.
  @inline(__always)
  func updateExpiry() {
    if pointee.links.firstInner == nil { _ = takeExpiry() } else { updateExpiryInside() }
  }

  @inline(never)
  private func updateExpiryInside() {
    visitInside { scope in
      if scope != self {
        let isOfSameRun = scope.pointee.scheduler?.toOpaque() == pointee.scheduler?.toOpaque()
        if scope.pointee.isShielded || !isOfSameRun { return false }
      }
      return scope.takeExpiry()
    }
  }

  /// Whether the expiry has changed.
  ///
  /// Called with the lock held.
  @inline(__always)
  private func takeExpiry() -> Bool {
    let parent = pointee.isShielded ? nil : pointee.links.parent
    let around = parent?.pointee.expiry.load(ordering: .relaxed) ?? .max
    let old = pointee.expiry.load(ordering: .relaxed)
    let new = min(pointee.alarm.deadline, around)
    if old == .min || old == new { return false }
    pointee.expiry.store(new, ordering: .releasing)
    pointee.cancellation?.expiry.store(new, ordering: .relaxed)
    return true
  }

  /// Lets another worker of the same thread keep the deadlines of this scope and those around it: a scheduler is run
  /// inside, or has ended, and `old` does not run meanwhile.
  ///
  /// A deadline keeps its distance if the clocks differ.
  func moveDeadlines(from old: WorkerRef, to new: WorkerRef) {
    let difference = old.isVirtual || new.isVirtual ? new.now - old.now : 0
    visitAround { scope in
      scope.withLock {
        if scope.pointee.alarm.worker == old { scope.moveDeadline(to: new, difference) }
      }
      return true
    }
  }

  /// Called with the lock held.
  ///
  /// The expiry stays what it is to the fibers that go by the other clock.
  func moveDeadline(to new: WorkerRef, _ difference: Int64) {
    removeDeadline()
    pointee.alarm.worker = new
    guard pointee.alarm.deadline != .max, pointee.reason == nil else { return }
    pointee.alarm.deadline = instant(difference, after: pointee.alarm.deadline)
    new.pointee.timers.insert(.deadline(self), deadline: pointee.alarm.deadline)
  }
}

extension FiberRef {
  /// The earliest deadline of the current scope and the scopes around it, up to a shield.
  package var deadline: FiberClock.Instant? {
    let expiry = scope.pointee.expiry.load(ordering: .acquiring)
    return expiry == .max ? nil : FiberClock.Instant(nanoseconds: expiry)
  }
}
