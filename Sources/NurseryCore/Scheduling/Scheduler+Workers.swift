import CSwitch
import Synchronization

// How threads of workers are started, called and ended.
extension Scheduler {
  /// Wakes a sleeping worker, or starts one more if all that exist are busy and the limit allows; true if one will look
  /// for work.
  @discardableResult
  func callWorker() -> Bool { wakeWorker() || startWorker() }

  /// True if a regular worker was found asleep, or has been woken by another and not risen yet.
  @discardableResult
  func wakeWorker() -> Bool {
    for index in workers.indices {
      let worker = workers[index]
      guard worker.duty == .regular else { continue }
      if worker.pointee.sleep.wakeOnce() { return true }
    }
    return false
  }

  /// Starts one more worker, if the limit allows.
  @discardableResult
  func startWorker() -> Bool {
    guard workers.hasRoom else { return false }
    return workers.lock.withLock {
      // Without a thread the workers that exist carry on; the next call for help tries again.
      workers.hasRoom && !isStopping.load(ordering: .relaxed) && (try? engage(.regular)) != nil
    }
  }

  /// Lets a parked worker, or a new thread, run what held workers have queued.
  func callStandIn() {
    workers.lock.withLock {
      guard workers.standIns < settings.mostStandIns, !isStopping.load(ordering: .relaxed) else { return }
      _ = try? engage(.standIn)
    }
  }

  /// Has the stand-ins give up what they have at their next look around.
  func dismissStandIns() {
    if workers.standIns == 0 { return }
    workers.lock.withLock {
      while let worker = workers.last(.standIn) { workers.assign(.parked, to: worker) }
    }
  }

  /// Gives a parked worker or a new thread a duty; called with the workers' lock held.
  func engage(_ duty: Worker.Duty) throws(SystemError) {
    if let worker = workers.last(.parked) {
      workers.assign(duty, to: worker)
      worker.pointee.sleep.wake()
      return
    }
    let worker = Worker.make(for: self, index: workers.count, duty: duty, home: rootScope!)
    do {
      worker.pointee.place.thread = try System.startThread("fibers-\(worker.pointee.place.index)", worker, workerThread)
    } catch {
      worker.dispose()
      throw error
    }
    workers.add(worker)
    monitor?.start(for: self)
  }

  /// Starts the monitor if it does not run.
  @inline(never)
  func startMonitor() {
    workers.lock.withLock { monitor?.start(for: self) }
  }

  /// Ends the monitor and the other workers; every fiber has ended.
  func stopWorkers() {
    workers.lock.withLock { isStopping.store(true, ordering: .sequentiallyConsistent) }
    monitor?.stop()
    for index in workers.indices where index > 0 {
      workers[index].pointee.sleep.wake()
      System.joinThread(workers[index].pointee.place.thread)
    }
    spin { self.visitors.handing.load(ordering: .acquiring) != 0 }
  }
}

/// What a worker's thread runs: its loop, on the thread's own stack, until the scheduler stops.
private let workerThread: System.ThreadBody = { argument in
  let worker = argument!.assumingMemoryBound(to: Worker.self)
  // The starting thread holds the lock until the worker counts.
  worker.pointee.scheduler!._withUnsafeGuaranteedRef { $0.workers.lock.withLock {} }
  worker.pointee.adoptThread()
  cs_set_thread_pointer(worker)
  _ = cs_install_signal_stack()
  _ = cs_timers_sharpen()
  // The thread ends with the scheduler.
  _ = worker.admitSamples()
  worker.runLoop()
  cs_set_thread_pointer(nil)
  return nil
}

// How many workers there may be can be changed while the scheduler runs.
//
// A retired worker gives away what others may run at its next look around, at most 64 switches later. It runs the
// fibers that have begun on its thread until they end, and then parks: its thread sleeps, and is the first to be used
// again. The timers that were set on it stay, and wake it.
extension Scheduler {
  /// Lets one more worker run fibers, and starts its thread.
  ///
  /// Callable from any fiber or thread while the scheduler runs. Does not wait for the worker, but for the kernel to
  /// make a thread. If a retiring worker has not parked yet, it stays instead.
  ///
  /// - Throws: `ConfigurationError` if the scheduler was started with `parallelism: 1` (deterministic ones are), which promises that
  ///   no two fibers run at the same time; if it has as many workers as it can have (256, or `parallelism` if that is more);
  ///   or if its run has ended. `SystemError` if no thread is available.
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
  /// one of them retires. The fibers that have begun on its thread run there until they end, those that have
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
    let duty = me.duty
    guard duty == .retiring || duty == .standIn, me.pointee.counters.begun.load(ordering: .relaxed) == 0 else { return }
    workers.lock.withLock {
      // A spread fiber arrives under this lock. The duty may have changed meanwhile.
      let isMeant = me.duty == duty
      if isMeant, me.pointee.inbox.isEmpty { workers.assign(.parked, to: me) }
    }
    if me.duty == .parked { me.giveBackMemory() }
  }
}
