import Synchronization

/// How many workers there may be can be changed while the scheduler runs.
///
/// A worker that is retired goes in these steps (`Worker.Duty`), and nothing is lost on the way:
///
///     told to leave   it is woken if it sleeps; it may be computing, and is not waited for
///     makes way       at its next look around, at most 64 switches later, its queue goes to the overflow
///     leaves          with nothing to run: passes the watch and any call it was given on, gives back stacks and records
///     gone            counts no more; its timers stay, and are fired by the others (`fireStrandedTimers`)
///
/// Invariant: a worker that leaves has nothing in hand, nothing in its queue or inbox, and no fiber is bound to it (the root's never leaves).
/// Until it is subtracted from `present`, a leaving worker counts as busy. If all others sleep then, each of them fell
/// asleep while it still counted, so it wakes one, which looks again.
extension Scheduler {
  /// Lets one more worker run fibers, and starts its thread.
  ///
  /// Callable from any fiber or thread while the scheduler runs. Does not wait for the worker, but for the kernel to make a thread.
  /// Where a worker that was told to retire has not left yet, that one stays instead.
  ///
  /// - Throws: `ConfigurationError` if the scheduler was started with `parallelism: 1` (deterministic ones are), which promises that
  ///   no two fibers run at the same time; if it has as many workers as it can have (256, or `parallelism` if that is more);
  ///   or if its run has ended. `SystemError` if there is no thread to be had.
  public func spawnWorker() throws {
    guard parallelism > 1 else {
      throw ConfigurationError(
        "this scheduler was started with parallelism 1, which promises that its fibers never run at the same time, so it cannot be given a second worker; start it with parallelism: 2 or more, and call retireWorker() until there is work for several"
      )
    }
    lock.lock()
    defer { lock.unlock() }
    try requireRunning("spawnWorker()")
    let wanted = limit.load(ordering: .relaxed) + 1
    guard wanted <= mostWorkers else {
      throw ConfigurationError(
        "this scheduler has \(mostWorkers) workers, the most it can have; retire one first, or start it with a larger parallelism"
      )
    }
    if let index = lastPlace(.leaving) {
      worker(index).pointee.duty.store(.regular, ordering: .sequentiallyConsistent)
      leaving.subtract(1, ordering: .sequentiallyConsistent)
    } else {
      try startThread(.regular)
    }
    limit.store(wanted, ordering: .releasing)
  }

  /// Lets one worker less run fibers.
  ///
  /// Callable from any fiber or thread while the scheduler runs. Waits for nothing: if as many workers exist as may, one of them is
  /// told to leave. The fiber that it runs goes on until it next suspends; then the worker's queue goes to the others, and its
  /// thread ends. Timers that were set there still fire, and can still be cancelled. The worker that runs the body, on the
  /// thread that started the scheduler, always stays.
  ///
  /// - Throws: `ConfigurationError` if there may be only one worker, or if the scheduler's run has ended.
  public func retireWorker() throws {
    lock.lock()
    defer { lock.unlock() }
    try requireRunning("retireWorker()")
    let wanted = limit.load(ordering: .relaxed) - 1
    guard wanted > 0 else {
      throw ConfigurationError(
        "this scheduler may have one worker only, which runs the body and cannot be retired; call retireWorker() once less than there are workers, or spawnWorker() before it"
      )
    }
    limit.store(wanted, ordering: .releasing)
    guard present.load(ordering: .relaxed) - leaving.load(ordering: .relaxed) > wanted else { return }
    let worker = worker(lastPlace(.regular)!)
    // The order before the call; a sleeper looks at the order after it has announced itself.
    worker.pointee.duty.store(.leaving, ordering: .sequentiallyConsistent)
    leaving.add(1, ordering: .sequentiallyConsistent)
    worker.pointee.sleep.wake()
  }

  /// Called with the lock held, without which the run might end.
  private func requireRunning(_ call: String) throws(ConfigurationError) {
    guard !isStopping.load(ordering: .relaxed) else {
      throw ConfigurationError(
        "\(call) came when the scheduler's run had ended; call it from one of the scheduler's fibers, or from a thread that the body waits for"
      )
    }
  }

  /// Called with the lock held.
  private func lastPlace(_ duty: Worker.Duty) -> Int? {
    var index = places.load(ordering: .relaxed) - 1
    while index > 0, worker(index).pointee.duty.load(ordering: .relaxed) != duty { index -= 1 }
    return index > 0 ? index : nil
  }

  /// Leaves the scheduler: the calling worker, on its loop, with nothing in hand; false if it has been asked to stay meanwhile.
  func leave(_ me: WorkerRef) -> Bool {
    giveUpQueue(me)
    // As a worker that goes to work: it may sleep again before it leaves, and inspects no more.
    let keepsWatch = watch.load(ordering: .relaxed) == me.pointee.index
    giveUpWatch(me)
    if keepsWatch { wakeWorker() }
    if me.pointee.begun.load(ordering: .relaxed) > 0 || me.pointee.queue.count > 0 { return false }
    wakeWorker()
    callSentinelIfNobodySleeps()
    lock.lock()
    guard me.pointee.duty.load(ordering: .relaxed) == .leaving, me.pointee.inbox.isEmpty else {
      lock.unlock()
      return false
    }
    me.abandonThread()
    me.pointee.duty.store(.gone, ordering: .sequentiallyConsistent)
    me.leaveTimersToOthers()
    leaving.subtract(1, ordering: .sequentiallyConsistent)
    present.subtract(1, ordering: .sequentiallyConsistent)
    lock.unlock()
    // No lock from here on: a thread that takes this place waits for this one with the lock held.
    wakeSomebodyIfAllSleep()
    return true
  }

  /// Called after the caller has stopped counting as awake: a worker that fell asleep before did not act for all.
  func wakeSomebodyIfAllSleep() {
    if isEverybodyAsleep { wakeWorker() }
  }
}
