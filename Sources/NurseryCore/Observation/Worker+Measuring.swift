// What a worker measures for a scheduler's observer: at the same places, behind the same load as the flight recorder
// (`Worker+Observing`).
extension WorkerRef {
  /// The worker is about to run `next`; called on its thread.
  ///
  /// - Parameter me: the fiber before; nil if it has ended.
  func measureSwitch(from me: FiberRef?, to next: FiberRef, _ departure: RecordedEvent.Departure) {
    guard let meter = pointee.instruments.meter else { return }
    let now = now
    if me?.pointee.kind != .loop { meter.pointee.runLength.add(now - meter.pointee.switchedAt) }
    if departure == .yields { me?.pointee.wait.since.store(now, ordering: .relaxed) }
    if next.pointee.kind != .loop {
      meter.pointee.queueDelay.add(now - next.pointee.wait.since.load(ordering: .relaxed))
    }
    meter.pointee.switchedAt = now
  }
}

extension FiberRef {
  /// The fiber can run from now on: it has been woken or spawned.
  ///
  /// It waits for nothing then, so the time since when it waits is free for this.
  func measureWake(_ scheduler: Unmanaged<Scheduler>?) {
    guard let scheduler else { return }
    scheduler._withUnsafeGuaranteedRef {
      if $0.meter != nil { pointee.wait.since.store($0.now, ordering: .relaxed) }
    }
  }
}
