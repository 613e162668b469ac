import Synchronization

extension WorkerRef {
  /// Called after any thread has set a scope's deadline on this worker; wakes the worker if it would sleep past it.
  ///
  /// A busy worker may compute past it; then the monitor fires it. The worker cannot end meanwhile.
  func tellOfTimer(_ deadline: Int64) {
    if Worker.ofThisThreadIfAny == self { return }
    // The timer before the look at the sleep; a sleeper looks at its timers after it has announced itself.
    fullFence()
    if pointee.timers.earliest >= deadline { pointee.sleep.wake() }
  }

  func isOfSameScheduler(as other: WorkerRef) -> Bool {
    pointee.scheduler?.toOpaque() == other.pointee.scheduler?.toOpaque()
  }

  /// Whether its clock is a virtual one.
  var isVirtual: Bool { pointee.scheduler?._withUnsafeGuaranteedRef { $0.isVirtual } ?? false }
}
