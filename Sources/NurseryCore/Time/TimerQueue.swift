import Synchronization

/// A worker's timers behind their lock.
///
/// Usually only the owner uses it. But a fiber that resumes on another worker withdraws its offer from the queue where
/// it left it, and an idle worker fires the timers of a busy one.
struct TimerQueue: ~Copyable {
  fileprivate var heap = TimerHeap()
  fileprivate let lock = SpinLock(.timers)
  /// The earliest deadline, readable without the lock.
  fileprivate let earliestDeadline = Atomic<Int64>(.max)
  /// How many of the timers are deadlines of scopes, readable without the lock.
  fileprivate let scopeCount = Atomic<Int>(0)
}

/// Used through its address, never as a whole: what counts as an access to it has to lie inside the lock.
extension UnsafeMutablePointer<TimerQueue> {
  /// The earliest deadline, or the end of time; stale by the time you look at it.
  var earliest: Int64 { pointee.earliestDeadline.load(ordering: .relaxed) }

  /// Whether a scope's deadline is among them: it may concern fibers of other workers.
  var haveScopes: Bool { pointee.scopeCount.load(ordering: .relaxed) > 0 }

  /// How many timers there are.
  var count: Int { pointee.lock.withLock { pointee.heap.count } }

  /// When an offer fires; the end of time for one that has fired.
  func deadline(of offer: OfferRef) -> Int64 {
    pointee.lock.withLock { offer.pointee.timer < 0 ? .max : pointee.heap.deadline(offer.pointee.timer) }
  }

  /// Adds a target; `beforeUnlock` runs under the lock.
  func insert(_ target: TimerTarget, deadline: Int64, beforeUnlock: () -> Void = {}) {
    pointee.lock.lock()
    let ticket = pointee.heap.insert(target, deadline: deadline)
    switch target {
    case .offer(let offer):
      offer.pointee.timer = ticket
      offer.pointee.isLinked = true
    case .deadline(let scope):
      scope.pointee.alarm.ticket = ticket
      adjustScopeCount(1)
    }
    beforeUnlock()
    pointee.earliestDeadline.store(pointee.heap.earliest, ordering: .relaxed)
    pointee.lock.unlock()
  }

  /// Takes an offer back if it has not fired.
  func remove(_ offer: OfferRef) {
    pointee.lock.lock()
    if offer.pointee.timer >= 0 {
      pointee.heap.remove(offer.pointee.timer)
      offer.pointee.timer = -1
      offer.pointee.isLinked = false
      pointee.earliestDeadline.store(pointee.heap.earliest, ordering: .relaxed)
    }
    pointee.lock.unlock()
  }

  /// Takes a scope's deadline back if it has not fired; called with the scope's lock held.
  func remove(_ scope: ScopeRef) {
    pointee.lock.lock()
    if scope.pointee.alarm.ticket >= 0 {
      pointee.heap.remove(scope.pointee.alarm.ticket)
      scope.pointee.alarm.ticket = -1
      adjustScopeCount(-1)
      pointee.earliestDeadline.store(pointee.heap.earliest, ordering: .relaxed)
    }
    pointee.lock.unlock()
  }

  /// Called with the lock held.
  private func adjustScopeCount(_ change: Int) {
    pointee.scopeCount.store(pointee.scopeCount.load(ordering: .relaxed) &+ change, ordering: .relaxed)
  }

  /// Fires everything that is due at `now`; true if anything was.
  func fire(_ now: Int64) -> Bool {
    guard earliest <= now else { return false }
    var fired = false
    while true {
      pointee.lock.lock()
      let target = pointee.heap.popDue(now)
      var committed: FiberRef?
      switch target {
      case .offer(let offer):
        offer.pointee.timer = -1
        offer.pointee.isLinked = false
        if offer.pointee.performer.commit() {
          offer.win()
          committed = offer.pointee.performer
        }
      case .deadline(let scope):
        scope.pointee.alarm.ticket = -1
        adjustScopeCount(-1)
        scope.pointee.visitors.add(1, ordering: .relaxed)
      case nil: break
      }
      pointee.earliestDeadline.store(pointee.heap.earliest, ordering: .relaxed)
      pointee.lock.unlock()
      guard let target else { return fired }
      fired = true
      // Without the lock: a wakeup may take the scheduler's, which comes before this one.
      committed?.makeReady(.soon)
      if case .deadline(let scope) = target { scope.fireDeadline(now) }
    }
  }
}
