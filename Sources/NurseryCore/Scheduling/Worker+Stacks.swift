extension WorkerRef {
  /// A stack from this worker's cache or the scheduler's pool.
  @inline(__always)
  func takeStack() throws(StackError) -> StackRef {
    guard let stack = pointee.memory.stacks.take() else { return try takePooledStack() }
    stack.renew()
    return stack
  }

  @inline(never)
  private func takePooledStack() throws(StackError) -> StackRef {
    try pointee.scheduler!.takeUnretainedValue().stackPool.take()
  }

  /// Keeps a stack for the next fiber.
  ///
  /// The caller may still be running on it if all it does is to leave it: only this thread takes from the cache, and
  /// what goes on to the pool is what came before.
  @inline(__always)
  func keepStack(_ stack: StackRef) {
    if pointee.memory.stacks.count >= 64 { spillStacks() }
    pointee.memory.stacks.keep(stack)
  }

  /// Where no worker ever sleeps, this is the only place to look for stacks that are not needed.
  @inline(never)
  private func spillStacks() {
    returnStacks(keeping: 32)
    pointee.scheduler!.takeUnretainedValue().stackPool.returnUnneededIfDue()
  }

  /// Moves all but the hottest stacks to the pool, where other workers find them.
  func returnStacks(keeping kept: Int) {
    guard let surplus = pointee.memory.stacks.takeSurplus(keeping: kept) else { return }
    pointee.scheduler!.takeUnretainedValue().stackPool.give(surplus.first, count: surplus.count)
  }
}

// What an idle worker does for the memory of free stacks; the pool knows how much and when.
extension Scheduler {
  /// How many stacks a sleeping worker keeps.
  private static let keptBySleepers = 16

  /// Before a sleep of `limit` nanoseconds (negative: without end): gives up what this worker does not need.
  ///
  /// The last to fall asleep also returns a slice of what no worker needs. While a worker is awake the monitor does
  /// that.
  ///
  /// - Returns: how long to sleep, which is less if there is more to return, or will be.
  func returnStacks(_ me: WorkerRef, beforeSleeping limit: Int64, _ isLast: Bool) -> Int64 {
    me.returnStacks(keeping: Self.keptBySleepers)
    // A deterministic scheduler sleeps only when it has ended.
    guard decisions == nil, isLast, stackPool.mayHaveSurplus else { return limit }
    guard let next = stackPool.returnUnneeded(now: System.monotonicNow()) else { return limit }
    return limit < 0 ? next : min(limit, next)
  }

  /// By the worker that sleeps towards a deadlock, whenever it wakes by the clock: all that is not needed, until it is
  /// called.
  func returnStacks(_ me: WorkerRef) {
    me.returnStacks(keeping: Self.keptBySleepers)
    guard stackPool.mayHaveSurplus else { return }
    while me.pointee.sleep.pointee.isAsleep, stackPool.returnUnneeded(now: System.monotonicNow()) == 0 {}
  }
}
