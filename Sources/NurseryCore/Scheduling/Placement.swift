/// On which worker a child begins, and so, unless fibers migrate, stays.
public enum Placement: Sendable, Hashable {
  /// On the spawner's worker; on another only if that one does not get to it while another has nothing to do.
  ///
  /// For children that wait for each other: a message between fibers of one worker costs a switch, one between workers
  /// some microseconds.
  case here
  /// On the worker with the fewest fibers, as counted when the child may begin.
  ///
  /// For children that compute, and for connections. Starts workers, up to `parallelism`. Children of these children
  /// are not spread. Means nothing to a scheduler with one worker.
  case spread
}

extension Scheduler {
  /// Queues a fiber that has not begun on the worker with the fewest fibers; in turn, if several have.
  ///
  /// Under the lock: a worker that parks looks into its inbox once more under it.
  func spread(_ fiber: FiberRef, from here: WorkerRef) {
    startWorker()
    workers.lock.lock()
    let worker = leastLoadedWorker(after: here)
    if worker == here {
      workers.lock.unlock()
      here.pointee.queue.pushFresh(fiber)
      return here.haveMonitored()
    }
    fiber.pointee.worker = worker
    worker.pointee.inbox.push(fiber)
    workers.lock.unlock()
    worker.pointee.sleep.wake()
  }

  /// Called with the lock held.
  private func leastLoadedWorker(after here: WorkerRef) -> WorkerRef {
    let count = workers.count
    here.pointee.place.lastChosen = (here.pointee.place.lastChosen + 1) % count
    var best = here
    var least = Int.max
    for offset in 0..<count {
      let worker = workers[(here.pointee.place.lastChosen + offset) % count]
      guard worker.duty == .regular, worker.load < least else { continue }
      (best, least) = (worker, worker.load)
    }
    return best
  }
}

extension WorkerRef {
  /// How many fibers have begun here and not ended, or are queued to begin here.
  fileprivate var load: Int {
    pointee.counters.begun.load(ordering: .relaxed) + pointee.queue.stealableCount + pointee.inbox.freshCount
  }
}
