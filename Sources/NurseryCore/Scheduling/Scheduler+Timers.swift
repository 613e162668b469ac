import Synchronization

extension WorkerRef {
  /// Called after any thread has set a scope's deadline on this worker; wakes the worker, which may sleep past it.
  ///
  /// The worker cannot end meanwhile.
  func tellOfTimer(_ deadline: Int64) {
    if pointee.duty.load(ordering: .acquiring) != .regular {
      pointee.scheduler!._withUnsafeGuaranteedRef { $0.hasStrandedTimers.store(true, ordering: .releasing) }
    }
    if Worker.ofThisThreadIfAny == self { return tellWatch(of: deadline) }
    // The timer before the look at the sleep; a sleeper looks at its timers after it has announced itself.
    fullFence()
    if pointee.timers.earliest >= deadline { pointee.sleep.wake() }
    tellWatch(of: deadline)
  }

  /// When its thread does not look at its timers any more: lets the others look at them.
  ///
  /// Counted under their lock: a thread that sets one later sees that this one does not look (`tellOfTimer`).
  func leaveTimersToOthers() {
    guard pointee.timers.count > 0 else { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.hasStrandedTimers.store(true, ordering: .releasing) }
  }

  func isOfSameScheduler(as other: WorkerRef) -> Bool {
    pointee.scheduler?.toOpaque() == other.pointee.scheduler?.toOpaque()
  }

  /// Whether its clock is a virtual one.
  var isVirtual: Bool { pointee.scheduler?._withUnsafeGuaranteedRef { $0.isVirtual } ?? false }
}

extension Scheduler {
  /// Fires the due timers of threads that do not look at them: workers that have left, and spares that rest.
  ///
  /// The watch looks at those of all others; this is for when no worker sleeps. The flag is lowered before the timers are looked at, and
  /// raised after one has been set, so it stays up while there is one.
  @inline(never)
  func fireStrandedTimers(_ me: WorkerRef) {
    _ = hasStrandedTimers.exchange(false, ordering: .sequentiallyConsistent)
    for index in 0..<places.load(ordering: .acquiring) {
      let timers = worker(index).pointee.timers
      if worker(index).pointee.duty.load(ordering: .acquiring) == .regular || timers.earliest == .max { continue }
      _ = timers.fire(me.now)
      if timers.earliest != .max { hasStrandedTimers.store(true, ordering: .releasing) }
    }
  }
}
