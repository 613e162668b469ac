// What an idle worker does for the memory of free stacks; the pool knows how much and when.
extension Scheduler {
  /// So many a worker that goes to sleep may keep for itself.
  private static let keptBySleepers = 16

  /// Before a sleep of so many nanoseconds (negative: for ever): gives up what this worker does not need.
  ///
  /// The last to fall asleep also returns a slice of what no worker needs. While a worker is awake the monitor does
  /// that.
  ///
  /// - Returns: how long to sleep, which is less if there is more to return, or will be.
  func returnStacks(_ me: WorkerRef, beforeSleeping limit: Int64, _ isLast: Bool) -> Int64 {
    me.giveUpStacks(keeping: Self.keptBySleepers)
    // A deterministic scheduler sleeps only when it has ended.
    guard decisions == nil, isLast, stackPool.mayHaveSurplus else { return limit }
    guard let next = stackPool.returnUnneeded(now: System.monotonicNow()) else { return limit }
    return limit < 0 ? next : min(limit, next)
  }

  /// By the worker that sleeps towards a deadlock, whenever it wakes by the clock: all that is not needed, until it is
  /// called.
  func returnStacks(_ me: WorkerRef) {
    me.giveUpStacks(keeping: Self.keptBySleepers)
    guard stackPool.mayHaveSurplus else { return }
    while me.pointee.sleep.pointee.isAsleep, stackPool.returnUnneeded(now: System.monotonicNow()) == 0 {}
  }
}

extension WorkerRef {
  /// The cache of a worker that is about to sleep goes to the pool, where others find it.
  fileprivate func giveUpStacks(keeping kept: Int) {
    if pointee.freeStackCount > kept { returnStacks(keeping: kept) }
  }
}
