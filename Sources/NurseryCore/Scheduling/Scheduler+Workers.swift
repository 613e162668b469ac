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
      guard worker.pointee.place.duty.load(ordering: .relaxed) == .regular else { continue }
      if worker.pointee.sleep.wakeOnce() { return true }
    }
    return false
  }

  /// Starts one more worker, if the limit allows.
  @discardableResult
  func startWorker() -> Bool {
    guard workers.hasRoom else { return false }
    workers.lock.lock()
    defer { workers.lock.unlock() }
    guard workers.hasRoom, !isStopping.load(ordering: .relaxed) else { return false }
    // Without a thread the workers that exist carry on; the next call for help tries again.
    return (try? engage(.regular)) != nil
  }

  /// Lets a parked worker, or a new thread, run what held workers have queued.
  func callStandIn() {
    workers.lock.lock()
    defer { workers.lock.unlock() }
    guard workers.standIns < settings.parallelism, !isStopping.load(ordering: .relaxed) else { return }
    _ = try? engage(.standIn)
  }

  /// Has the stand-ins give up what they have at their next look around.
  func dismissStandIns() {
    if workers.standIns == 0 { return }
    workers.lock.lock()
    defer { workers.lock.unlock() }
    while let worker = workers.last(.standIn) { workers.assign(.parked, to: worker) }
  }

  /// Gives a parked worker or a new thread a duty; called with the workers' lock held.
  func engage(_ duty: Worker.Duty) throws(SystemError) {
    if let worker = workers.last(.parked) {
      workers.assign(duty, to: worker)
      worker.pointee.sleep.wake()
      return
    }
    let worker = Worker.make(
      for: self, index: workers.count, duty: duty, home: rootScope!)
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
    workers.lock.lock()
    monitor?.start(for: self)
    workers.lock.unlock()
  }

  fileprivate func waitUntilStarted() {
    workers.lock.lock()
    workers.lock.unlock()
  }

  /// Ends the monitor and the other workers; every fiber has ended.
  func stopWorkers() {
    workers.lock.lock()
    isStopping.store(true, ordering: .sequentiallyConsistent)
    workers.lock.unlock()
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
  worker.pointee.scheduler!._withUnsafeGuaranteedRef { $0.waitUntilStarted() }
  worker.pointee.adoptThread()
  cs_set_thread_pointer(worker)
  _ = cs_install_signal_stack()
  worker.runLoop()
  cs_set_thread_pointer(nil)
  return nil
}
