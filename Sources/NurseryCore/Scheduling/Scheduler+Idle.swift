import CSwitch
import Synchronization

// A worker without work, and how nothing gets lost while it goes to sleep:
//
//     working -> looking (own arrivals, other queues, overflow) -> work found -> working
//                   |
//                   v
//     announced (asleep + 1 sleeper), heavy fence, looks once more -> work found -> working
//                   |
//                   v
//     asleep, until called or, for the one on watch, until the next timer or inspection
//
// Invariant: a fiber in a queue and a worker asleep for ever do not coexist for longer than one inspection. A thread that queues a fiber
// from outside announces it and then looks for sleepers; a worker that goes to sleep announces it and then looks for fibers; between the
// two stands a full fence on both sides (an owner's push to its own queue has the light side, the sleeper the heavy one). The heavy
// side is left out where no other worker is awake to push, or the sleeper is about to keep the watch: what it overlooks it finds at its
// next inspection. A queue of several that moves fast may be left to its worker (`Sharing`); one that is slow or stands
// still is shared.
//
// One sleeping worker keeps watch for all (`Scheduler+Watch`); while none sleeps, a spare does (`Scheduler+Spares`).
extension Scheduler {
  /// Where an idle worker spends its time: returns a fiber to run, or nil when the scheduler stops or the worker has left it.
  func findWork(_ me: WorkerRef) -> FiberRef? {
    if me.pointee.duty.load(ordering: .relaxed) == .spare { return standBy(me) }
    var inspection = Inspection()
    while !isStopping.load(ordering: .acquiring) {
      if me.pointee.duty.load(ordering: .relaxed) == .leaving, leave(me) { return nil }
      if let fiber = look(me, &inspection) {
        goToWork(me)
        return fiber
      }
      sleepUntilCalled(me, &inspection)
    }
    return nil
  }

  private func look(_ me: WorkerRef, _ inspection: inout Inspection) -> FiberRef? {
    if let decisions = me.pointee.decisions { return me.pickByDecision(decisions) }
    me.collectArrivals()
    defer { inspection.isByClock = false }
    if let fiber = me.pointee.queue.pop() { return fiber }
    let isOnWatch = watch.load(ordering: .relaxed) == me.pointee.index
    // A worker by itself goes and sleeps in the reactor, which is asking, too.
    if parallelism > 1, !isOnWatch || inspection.isReactorNeglected(reactorIfAny) {
      askReactor()
      if let fiber = me.pointee.queue.pop() { return fiber }
    }
    let count = places.load(ordering: .acquiring)
    guard count > 1 else { return nil }
    if me.pointee.duty.load(ordering: .relaxed) == .leaving { return nil }
    let start = Int(truncatingIfNeeded: me.nextRandom() >> 33)
    for offset in 0..<count {
      let index = (start + offset) % count
      let other = worker(index)
      if other == me { continue }
      // A sleeping worker fires its own.
      if other.pointee.timers.earliest != .max, !other.pointee.sleep.pointee.isAsleep {
        _ = other.pointee.timers.fire(me.now)
      }
      let stealable = other.pointee.queue.stealableCount
      let switches = other.pointee.switches.load(ordering: .relaxed)
      let isSlow = inspection.isSlow(index, switches, stealable)
      let isStuck = isOnWatch && inspection.isUnmoved(index, switches)
      guard stealable >= 2 && isSlow || stealable == 1 && isStuck else { continue }
      if let stolen = other.pointee.queue.steal(atMost: 128, by: me) {
        if isStuck { takeovers.add(1, ordering: .relaxed) }
        return keepStolen(stolen, me)
      }
    }
    return me.pointee.queue.pop()
  }

  /// Runs the first of a stolen chain and queues the rest.
  private func keepStolen(_ chain: FiberRef, _ me: WorkerRef) -> FiberRef {
    if let rest = chain.pointee.next { me.queueChain(rest) }
    me.pointee.queue.endBatch()
    steals.add(1, ordering: .relaxed)
    if me.pointee.queue.stealableCount > 1, !isWatched { callWorker() }
    return chain
  }

  private func sleepUntilCalled(_ me: WorkerRef, _ inspection: inout Inspection) {
    me.pointee.sleep.pointee.prepare()
    let asleep = sleepers.add(1, ordering: .sequentiallyConsistent).newValue
    if !isSeenToWithoutFence(me, asleep: asleep) {
      cs_fence_heavy()
      me.count(me.pointee.fences)
    }
    if isQuiet(me) {
      // A worker that idles or leaves concurrently publishes first and checks second, so the last one wakes another.
      let allAsleep =
        asleep == present.load(ordering: .sequentiallyConsistent)
        && sparesAwake.load(ordering: .sequentiallyConsistent) == 0
      if allAsleep, decisions != nil, !isTimeLeft(me) {
        breakDeadlock()
      } else if !(allAsleep && isVirtual && advanceVirtualTime(me)) {
        let limit = timeToSleep(me, &inspection)
        if limit < 0, allAsleep, suspectsDeadlocks, !isTimerSet {
          sleepUntilCalledOrDeadlocked(me)
        } else if let reactor = seatToSleepIn(allAsleep: allAsleep) {
          let limit = returnStacks(me, beforeSleeping: limit)
          let found = me.pointee.sleep.wait(in: reactor, nanoseconds: limit)
          rise(me)
          me.tell(reactor, found)
          return reactor.leaveSeat()
        } else {
          inspection.isByClock = me.pointee.sleep.wait(nanoseconds: returnStacks(me, beforeSleeping: limit))
        }
      }
    }
    rise(me)
  }

  private var isTimerSet: Bool {
    for index in 0..<places.load(ordering: .acquiring) {
      if worker(index).pointee.timers.earliest != .max { return true }
    }
    return false
  }

  /// Whether no push can be overlooked for long: no worker is left that pushes with the light side only, or the caller is about to keep the
  /// watch and inspects by the clock.
  private func isSeenToWithoutFence(_ me: WorkerRef, asleep: Int) -> Bool {
    if parallelism == 1 { return true }
    if sparesAwake.load(ordering: .relaxed) > 0 { return false }
    let holder = watch.load(ordering: .relaxed)
    return asleep == present.load(ordering: .relaxed) || holder < 0 || holder == me.pointee.index
  }

  /// On arm64 the second count orders the first before the loads of `isInspecting` and `watchDeadline` that follow.
  /// (Tests/Models/weak.pml, TIMER.)
  private func rise(_ me: WorkerRef) {
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    risings.wrappingAdd(1, ordering: .sequentiallyConsistent)
    me.pointee.sleep.pointee.rise()
  }

  /// True if there is nothing that this worker should rather do.
  private func isQuiet(_ me: WorkerRef) -> Bool {
    if isStopping.load(ordering: .acquiring) || !me.pointee.inbox.isEmpty { return false }
    if me.pointee.queue.count > 0 { return false }
    if me.pointee.duty.load(ordering: .sequentiallyConsistent) == .leaving {
      // It takes nothing from the overflow. It leaves if it can, and else at least gives up the watch.
      return me.pointee.begun.load(ordering: .relaxed) > 0 && watch.load(ordering: .relaxed) != me.pointee.index
    }
    return overflowCount.load(ordering: .sequentiallyConsistent) == 0
  }

  /// Whether no fiber but the caller's can run, now.
  func isEverybodyElseParked(_ me: WorkerRef) -> Bool {
    if overflowCount.load(ordering: .acquiring) > 0 { return false }
    for index in 0..<places.load(ordering: .acquiring) {
      let worker = worker(index)
      if worker.pointee.duty.load(ordering: .acquiring) == .gone { continue }
      if worker.pointee.queue.count > 0 || !worker.pointee.inbox.isEmpty { return false }
      if worker != me, !worker.pointee.sleep.pointee.isAsleep { return false }
    }
    return true
  }
}
