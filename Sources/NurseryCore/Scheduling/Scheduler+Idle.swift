import CSwitch
import Synchronization

// A thread without work, and how nothing gets lost while it goes to sleep:
//
//     working -> looking (own arrivals, a shared reactor, offered queues) -> work found -> the monitor is told -> working
//                   |
//                   v
//     announced (asleep, not counted as awake), looks once more -> work found -> looking
//                   |
//                   v
//     asleep, until called or until its own next timer
//
// A thread that queues a fiber for another, globally or in an inbox, publishes it and then looks for sleepers; a thread
// that goes to sleep announces that and then looks for fibers. So of the two the later one completes the other. A push
// to the own queue calls no thread: while a worker is awake the monitor looks at its queue.
//
// The last to fall asleep acts for all; see `WorkerTable`.
extension Scheduler {
  /// Where an idle worker spends its time: returns a fiber to run, or nil when the scheduler stops.
  func findWork(_ me: WorkerRef) -> FiberRef? {
    while !isStopping.load(ordering: .acquiring) {
      if let fiber = look(me) {
        monitor?.noteWork()
        return fiber
      }
      parkIfDone(me)
      sleepUntilCalled(me)
    }
    return nil
  }

  private func look(_ me: WorkerRef) -> FiberRef? {
    if let decisions = me.pointee.decisions { return me.pickByDecision(decisions) }
    me.collectArrivals()
    if let fiber = me.pointee.queue.pop() { return fiber }
    guard settings.parallelism > 1 else { return nil }
    me.pollSharedReactor()
    if let fiber = me.pointee.queue.pop() { return fiber }
    return me.duty.takesFibers ? steal(me) : nil
  }

  /// Takes half of a queue that the monitor has offered, and runs the first of it.
  private func steal(_ me: WorkerRef) -> FiberRef? {
    let count = workers.count
    let start = Int(truncatingIfNeeded: me.pointee.numbers.nextRandom() >> 33)
    var isWorkLeft = false
    for offset in 0..<count {
      let other = workers[(start + offset) % count]
      guard other != me, other.pointee.queue.stealableCount > 0 else { continue }
      if other.pointee.queue.isOffered {
        other.pointee.queue.isOffered = false
        if let chain = other.pointee.queue.steal(atMost: 128, by: me) {
          if let rest = chain.pointee.next { me.pointee.queue.adopt(rest) }
          counters.steals.add(1, ordering: .relaxed)
          if me.isObserved { me.observeSteal(chain, from: other) }
          return chain
        }
      }
      isWorkLeft = true
    }
    if isWorkLeft { monitor?.hurry() }
    return nil
  }

  private func sleepUntilCalled(_ me: WorkerRef) {
    me.pointee.sleep.pointee.prepare()
    let isLast = workers.noteSleeping()
    if isQuiet(me) {
      if isLast, decisions != nil, !isTimeLeft(me) {
        breakDeadlock()
      } else if !(isLast && isVirtual && advanceVirtualTime()) {
        let earliest = me.pointee.timers.earliest
        // A virtual clock moves when all sleep.
        let limit = earliest == .max || isVirtual ? -1 : max(0, earliest - now)
        if limit < 0, isLast, suspectsDeadlocks, !isTimerSet {
          sleepUntilCalledOrDeadlocked(me)
        } else if isLast, settings.isShared, SharedScheduler.watches(me, limit) {
          // It has been called.
        } else if let reactor = me.reactorToSleepIn(isLast: isLast) {
          let found = sleep(me, in: reactor, nanoseconds: returnStacks(me, beforeSleeping: limit, isLast))
          rise(me)
          reactor.tell(found)
          return reactor.leaveSeat()
        } else {
          _ = sleep(me, in: nil, nanoseconds: returnStacks(me, beforeSleeping: limit, isLast))
        }
      }
    }
    rise(me)
  }

  private func sleep(_ me: WorkerRef, in reactor: Reactor?, nanoseconds: Int64) -> Int {
    let sleep = GuestHelper.Sleep(word: me.pointee.sleep, reactor: reactor, nanoseconds: nanoseconds)
    guard let guest = settings.guest, me.pointee.place.index == 0 else { return sleep.perform() }
    return guest.sleep(sleep)
  }

  // A plain loop, as the loop's stack may be small.
  private var isTimerSet: Bool {
    for index in workers.indices where workers[index].pointee.timers.earliest != .max { return true }
    return false
  }

  private func rise(_ me: WorkerRef) {
    workers.noteWaking()
    me.pointee.sleep.pointee.rise()
    me.beginTurn()
  }

  /// True if there is nothing that this worker should rather do.
  private func isQuiet(_ me: WorkerRef) -> Bool {
    if isStopping.load(ordering: .acquiring) || !me.pointee.inbox.isEmpty || me.pointee.queue.count > 0 { return false }
    // Worker 0 is always among those that take from it.
    return globalQueue.isEmpty || !me.pointee.place.duty.load(ordering: .sequentiallyConsistent).takesFibers
  }

  /// Whether no fiber but the caller's can run, now.
  func isEverybodyElseParked(_ me: WorkerRef) -> Bool {
    if !globalQueue.isEmpty { return false }
    for index in workers.indices {
      let worker = workers[index]
      if worker.pointee.queue.count > 0 || !worker.pointee.inbox.isEmpty { return false }
      if worker != me, !worker.pointee.sleep.pointee.isAsleep { return false }
    }
    return true
  }
}

extension WorkerRef {
  /// Called after any thread has set a scope's deadline on this worker; wakes the worker if it would sleep past it.
  ///
  /// A busy worker may compute past it; then the monitor fires it. The worker cannot end meanwhile.
  func tellOfTimer(_ deadline: Int64) {
    if Worker.ofThisThreadIfAny == self { return }
    // The timer before the look at the sleep; a sleeper looks at its timers after it has announced itself.
    fullFence()
    if pointee.timers.earliest >= deadline { pointee.sleep.wake() }
  }

  func isOfSameScheduler(as other: WorkerRef) -> Bool {
    pointee.scheduler?.toOpaque() == other.pointee.scheduler?.toOpaque()
  }

  /// Whether its clock is a virtual one.
  var isVirtual: Bool { pointee.scheduler?._withUnsafeGuaranteedRef { $0.isVirtual } ?? false }
}
