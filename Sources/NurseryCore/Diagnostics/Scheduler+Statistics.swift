import Synchronization

extension Scheduler {
  /// What a scheduler has done and has in hand; for dashboards, and for tests that count instead of timing.
  ///
  /// Every figure is right for some moment during the call, not all of them for the same one.
  public struct Statistics: Sendable, Hashable {
    /// Workers that exist: have been started, and are not parked.
    public var workers = 0
    /// Workers that are asleep.
    public var sleepingWorkers = 0
    /// Threads of retired workers, and of those that run what held workers have queued; they are not among the workers.
    public var spares = 0
    /// Fibers spawned so far; the root does not count.
    public var fibersSpawned = 0
    /// Fibers that have not ended; the root does not count.
    public var fibersAlive = 0
    /// Fibers that can run and wait for a worker.
    public var fibersQueued = 0
    /// Branches of operations that fibers wait for now.
    public var offersOutstanding = 0
    /// Timers that are set: for operations and for scopes' deadlines.
    public var timers = 0
    /// Switches from one fiber, or a worker's loop, to another; a fiber that yields to no other counts as well.
    public var switches = 0
    /// How often a worker has taken fibers over from another.
    public var steals = 0
    /// How often the queue of a worker that did not get anywhere was taken over.
    public var takeovers = 0
    /// How often a worker has gone to sleep in the kernel; each is a system call.
    public var sleeps = 0
    /// How often a worker was woken there; each is a system call.
    public var wakeups = 0
    /// How often a worker has made all running threads pass a barrier, to take fibers over; each is a system call.
    public var fences = 0
    /// Blocks that workers have taken from the heap for fibers and scopes; what closures capture, and operations kept
    /// as values, is the program's own.
    public var allocations = 0
    /// What scheduling has cost in system calls: sleeps, wakeups and fences.
    ///
    /// A new stack takes one more, for its guard; see `stacks.mapped`.
    public var systemCalls: Int { sleeps + wakeups + fences }
    /// The stacks of this size, which all schedulers of the process share; what this one's fibers have used of them,
    /// and advice.
    public var stacks = StackStatistics()
  }

  /// What the scheduler has done so far and has in hand.
  ///
  /// Takes time in proportion to the workers and the fibers alive, and makes none of them wait for long. Inside a run,
  /// ask
  /// `Scheduler.current?.statistics`. When the run is over the answer is what it has done: nothing is in hand any more, and there
  /// are no workers.
  public var statistics: Statistics {
    // The announcement before the look at the end; `endStatistics` does it the other way round.
    visitors.observing.add(1, ordering: .sequentiallyConsistent)
    defer { visitors.observing.subtract(1, ordering: .releasing) }
    guard visitors.hasEnded.load(ordering: .sequentiallyConsistent) else { return currentStatistics }
    var statistics = outcome.statistics
    statistics.stacks = StackStatistics(stackPool, stackMeter?.uses ?? [])
    return statistics
  }

  /// Keeps the last answer and waits until no thread looks at workers or fibers any more; called when everything has
  /// ended.
  func endStatistics() {
    outcome.statistics = currentStatistics
    outcome.statistics.workers = 0
    outcome.statistics.sleepingWorkers = 0
    outcome.statistics.spares = 0
    visitors.hasEnded.store(true, ordering: .sequentiallyConsistent)
    spin { self.visitors.observing.load(ordering: .acquiring) != 0 }
  }

  private var currentStatistics: Statistics {
    var statistics = Statistics()
    let indices = workers.indices
    statistics.fibersQueued = globalQueue.count
    statistics.steals = counters.steals.load(ordering: .relaxed)
    statistics.takeovers = counters.takeovers.load(ordering: .relaxed)
    statistics.stacks = StackStatistics(stackPool, stackMeter?.uses ?? [])
    var ended = counters.endedOutside.load(ordering: .acquiring)
    for index in indices {
      let worker = workers[index]
      switch worker.duty {
      case .regular, .retiring:
        statistics.workers += 1
        if worker.pointee.sleep.pointee.isAsleep { statistics.sleepingWorkers += 1 }
      case .parked, .standIn: statistics.spares += 1
      }
      // Ends before spawns: a fiber may be seen to live that has ended, but never to have ended before it was spawned.
      ended += worker.pointee.counters.ended.load(ordering: .acquiring)
      statistics.switches += worker.pointee.counters.switches.load(ordering: .relaxed)
      statistics.fibersQueued += worker.pointee.queue.count
      statistics.timers += worker.pointee.timers.count
      statistics.allocations += worker.pointee.counters.allocations.load(ordering: .relaxed)
      statistics.fences += worker.pointee.counters.fences.load(ordering: .relaxed)
      let counts = worker.pointee.sleep.counts
      statistics.sleeps += counts.sleeps
      statistics.wakeups += counts.wakes
    }
    for index in indices {
      statistics.fibersSpawned += workers[index].pointee.counters.spawned.load(ordering: .acquiring)
    }
    statistics.fibersSpawned += counters.spawnedOutside.load(ordering: .relaxed)
    statistics.fibersAlive = statistics.fibersSpawned - ended
    // Every fiber is a child of a scope but the root, which is the host of the outermost scope.
    if let rootScope {
      statistics.offersOutstanding = rootScope.offersOutstanding + (rootScope.pointee.host?.offersOutstanding ?? 0)
    }
    return statistics
  }
}

extension ScopeRef {
  /// The branches that children of this scope and of those inside wait for.
  fileprivate var offersOutstanding: Int {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    var count = 0
    visitInside { scope in
      scope.pointee.nursery?.forEachChild { count += $0.offersOutstanding }
      return true
    }
    return count
  }
}

extension FiberRef {
  fileprivate var offersOutstanding: Int { Int(pointee.wait.offerCount.load(ordering: .relaxed)) }
}
