import Synchronization

extension WorkerRef {
  /// After somebody, perhaps a foreigner, has set a timer on this worker: sees to it that it is not slept through.
  ///
  /// The worker cannot end meanwhile.
  func tellOfTimer(_ deadline: Int64) {
    let here = Worker.ofThisThreadIfAny
    if here == self || here?.pointee.scheduler != nil && here!.isOfSameScheduler(as: self) {
      return tellWatch(of: deadline)
    }
    // The timer before the look at who sleeps; a sleeper looks at the timers after it has announced itself.
    fullFence()
    guard let scheduler = pointee.scheduler else {
      pointee.sleep.wake()
      return
    }
    scheduler._withUnsafeGuaranteedRef { scheduler in
      let onWatch = scheduler.watch.load(ordering: .acquiring)
      if onWatch >= 0 { scheduler.worker(onWatch).pointee.sleep.wake() }
    }
  }

  func isOfSameScheduler(as other: WorkerRef) -> Bool {
    pointee.scheduler?.toOpaque() == other.pointee.scheduler?.toOpaque()
  }

  /// Whether its clock is a virtual one.
  var isVirtual: Bool { pointee.scheduler?._withUnsafeGuaranteedRef { $0.isVirtual } ?? false }
}
