import Synchronization

/// A worker's timers behind their lock. Usually only the owner comes here, but a fiber that was woken elsewhere takes its
/// offer back from where it left it, and an idle worker fires the timers of a busy one.
struct TimerQueue: ~Copyable {
  private let lock = SpinLock()
  private var heap = TimerHeap()
  /// The earliest deadline, readable without the lock.
  private let earliestDeadline = Atomic<Int64>(.max)

  init() {}

  /// The earliest deadline, or the end of time; stale by the time you look at it.
  var earliest: Int64 { earliestDeadline.load(ordering: .relaxed) }

  var count: Int {
    mutating get {
      lock.lock()
      defer { lock.unlock() }
      return heap.count
    }
  }

  /// Adds a target; `beforeUnlock` runs under the lock.
  mutating func insert(_ target: TimerTarget, deadline: Int64, beforeUnlock: () -> Void = {}) {
    lock.lock()
    heap.insert(target, deadline: deadline)
    beforeUnlock()
    earliestDeadline.store(heap.earliest, ordering: .relaxed)
    lock.unlock()
  }

  /// Takes an offer back if it has not fired.
  mutating func remove(_ offer: OfferRef) {
    lock.lock()
    if offer.pointee.heapIndex >= 0 {
      heap.remove(at: Int(offer.pointee.heapIndex))
      earliestDeadline.store(heap.earliest, ordering: .relaxed)
    }
    lock.unlock()
  }

  /// Takes a scope's deadline back. When it is just firing on another worker, waits until that is done: the
  /// scope's memory is the caller's to free afterwards.
  mutating func remove(_ scope: ScopeRef) {
    lock.lock()
    if scope.pointee.heapIndex >= 0 {
      heap.remove(at: Int(scope.pointee.heapIndex))
      earliestDeadline.store(heap.earliest, ordering: .relaxed)
    }
    lock.unlock()
    NurseryCore.spin { scope.pointee.isDeadlineFiring.load(ordering: .acquiring) }
  }

  /// Fires everything that is due at `now`; true if anything was.
  mutating func fire(_ now: Int64) -> Bool {
    guard earliest <= now else { return false }
    var fired = false
    while true {
      lock.lock()
      let target = heap.popDue(now)
      if case .offer(let offer) = target { _ = offer.commitFromOutside() }
      if case .deadline(let scope) = target { scope.pointee.isDeadlineFiring.store(true, ordering: .relaxed) }
      earliestDeadline.store(heap.earliest, ordering: .relaxed)
      lock.unlock()
      guard let target else { return fired }
      fired = true
      if case .deadline(let scope) = target {
        scope.cancel(.deadline)
        scope.pointee.isDeadlineFiring.store(false, ordering: .releasing)
      }
    }
  }
}
