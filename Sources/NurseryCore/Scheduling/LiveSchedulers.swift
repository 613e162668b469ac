import CSwitch

/// The schedulers that run fibers now, in the order they began; for dumps and debuggers.
enum LiveSchedulers {
  private static let lock = SpinLock(.leaf)
  nonisolated(unsafe) private static var schedulers: [Unmanaged<Scheduler>] = []

  /// Called when a run has begun; its caller keeps the scheduler until `remove`.
  static func add(_ scheduler: Scheduler) {
    lock.withLock {
      schedulers.append(.passUnretained(scheduler))
      cs_debug_add_run(scheduler.rootScope!, scheduler.workers.addresses.workers, scheduler.workers.addresses.count)
    }
  }

  static func remove(_ scheduler: Scheduler) {
    lock.withLock {
      schedulers.removeAll { $0.toOpaque() == Unmanaged.passUnretained(scheduler).toOpaque() }
      cs_debug_remove_run(scheduler.rootScope!)
    }
  }

  static var all: [Scheduler] { lock.withLock { schedulers.map { $0.takeUnretainedValue() } } }
}
