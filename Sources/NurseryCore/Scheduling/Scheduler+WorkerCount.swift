import Synchronization

// How many workers there may be can be changed while the scheduler runs.
//
// A retired worker gives away what others may run at its next look around, at most 64 switches later. It runs the
// fibers that have begun on its thread until they end, and then parks: its thread sleeps, and is the first to be used
// again. The timers that were set on it stay, and wake it.
extension Scheduler {
  /// Lets one more worker run fibers, and starts its thread.
  ///
  /// Callable from any fiber or thread while the scheduler runs. Does not wait for the worker, but for the kernel to
  /// make a thread. A worker that was told to retire and has not parked yet stays instead.
  ///
  /// - Throws: `ConfigurationError` if the scheduler was started with `parallelism: 1` (deterministic ones are), which promises that
  ///   no two fibers run at the same time; if it has as many workers as it can have (256, or `parallelism` if that is more);
  ///   or if its run has ended. `SystemError` if there is no thread to be had.
  public func spawnWorker() throws {
    guard settings.parallelism > 1 else {
      throw ConfigurationError(
        "this scheduler was started with parallelism 1, which promises that its fibers never run at the same time, so it cannot be given a second worker; start it with parallelism: 2 or more, and call retireWorker() until there is work for several"
      )
    }
    workers.lock.lock()
    defer { workers.lock.unlock() }
    try requireRunning("spawnWorker()")
    let mostWorkers = max(settings.parallelism, WorkerTable.mostWorkers)
    guard workers.limit < mostWorkers else {
      throw ConfigurationError(
        "this scheduler has \(mostWorkers) workers, the most it can have; retire one first, or start it with a larger parallelism"
      )
    }
    if let worker = workers.last(.retiring) { workers.assign(.regular, to: worker) } else { try engage(.regular) }
    workers.changeLimit(by: 1)
  }

  /// Lets one worker less run fibers.
  ///
  /// Callable from any fiber or thread while the scheduler runs. Waits for nothing: if as many workers exist as may,
  /// one of them is told to leave. The fibers that have begun on its thread run there until they end, those that have
  /// not go to the others, and then its thread sleeps until `spawnWorker` needs it. Timers that were set there still
  /// fire, and can still be cancelled. The worker that runs the body, on the thread that started the scheduler, always
  /// stays.
  ///
  /// - Throws: `ConfigurationError` if there may be only one worker, or if the scheduler's run has ended.
  public func retireWorker() throws {
    workers.lock.lock()
    defer { workers.lock.unlock() }
    try requireRunning("retireWorker()")
    guard workers.limit > 1 else {
      throw ConfigurationError(
        "this scheduler may have one worker only, which runs the body and cannot be retired; call retireWorker() once less than there are workers, or spawnWorker() before it"
      )
    }
    workers.changeLimit(by: -1)
    guard workers.regularCount > workers.limit, let worker = workers.last(.regular) else { return }
    workers.assign(.retiring, to: worker)
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

  /// Parks the calling worker, on its loop, if it has nothing left to run there and is to take nothing.
  func parkIfDone(_ me: WorkerRef) {
    let duty = me.pointee.place.duty.load(ordering: .relaxed)
    guard duty == .retiring || duty == .standIn, me.pointee.counters.begun.load(ordering: .relaxed) == 0 else { return }
    workers.lock.lock()
    // A spread fiber arrives under this lock. The duty may have changed meanwhile.
    let isMeant = me.pointee.place.duty.load(ordering: .relaxed) == duty
    if isMeant, me.pointee.inbox.isEmpty { workers.assign(.parked, to: me) }
    workers.lock.unlock()
    if me.pointee.place.duty.load(ordering: .relaxed) == .parked { me.giveBackMemory() }
  }
}
