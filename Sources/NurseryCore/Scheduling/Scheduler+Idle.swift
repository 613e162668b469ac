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
// Invariant: a fiber in a queue and a worker asleep for ever do not coexist for longer than one inspection. Who queues a fiber
// from outside announces it and then looks for sleepers; who goes to sleep announces it and then looks for fibers; between the
// two stands a full fence on both sides (an owner's push to its own queue has the light side, the sleeper the heavy one).
//
// One sleeping worker keeps watch for all: it alone wakes by the clock, fires the timers of everybody, and while somebody
// works inspects the queues: one that has not moved since the last inspection is taken over. So two fibers that
// play ping-pong on one worker keep it to themselves, and a fiber that computes for long does not hold up its queue.
extension Scheduler {
  /// Where an idle worker spends its time: returns a fiber to run, or nil when the scheduler stops.
  func findWork(_ me: WorkerRef) -> FiberRef? {
    var inspection = Inspection()
    while !isStopping.load(ordering: .acquiring) {
      if let fiber = look(me, &inspection) {
        if watch.load(ordering: .relaxed) == me.pointee.index {
          endWatch(me)
        } else if me.pointee.queue.count > 0 {
          // Arrivals are queued silently; with one of them to run, the others may be waiting for somebody to see them.
          me.callForHelpIfUseful()
        }
        return fiber
      }
      sleepUntilCalled(me, &inspection)
    }
    return nil
  }

  /// What the one on watch remembers between inspections.
  struct Inspection {
    var switches: [Int] = []
    var period = Self.shortest

    static let shortest: Int64 = 50_000
    static let longest: Int64 = 1_000_000
  }

  private func look(_ me: WorkerRef, _ inspection: inout Inspection) -> FiberRef? {
    if let decisions = me.pointee.decisions { return me.pickByDecision(decisions) }
    me.collectArrivals()
    if let fiber = me.pointee.queue.pop() { return fiber }
    let count = startedWorkers.load(ordering: .acquiring)
    guard count > 1 else { return nil }
    let start = Int(truncatingIfNeeded: me.nextRandom() >> 33)
    let isOnWatch = watch.load(ordering: .relaxed) == me.pointee.index
    for offset in 0..<count {
      let index = (start + offset) % count
      let other = worker(index)
      if other == me { continue }
      if other.pointee.timers.earliest != .max { _ = other.pointee.timers.fire(me.now) }
      let queued = other.pointee.queue.count
      let isStuck = isOnWatch && inspection.isUnmoved(index, other.pointee.switches.load(ordering: .relaxed))
      if queued >= 2 || queued == 1 && isStuck, let stolen = other.pointee.queue.steal(atMost: 128) {
        return keepStolen(stolen, me)
      }
    }
    return me.pointee.queue.pop()
  }

  /// Runs the first of a stolen chain and queues the rest.
  private func keepStolen(_ chain: FiberRef, _ me: WorkerRef) -> FiberRef {
    var rest = chain.pointee.next
    while let fiber = rest {
      rest = fiber.pointee.next
      me.pointee.queue.pushLast(fiber)
    }
    steals.add(1, ordering: .relaxed)
    if me.pointee.queue.count > 1 { callWorker() }
    return chain
  }

  private func sleepUntilCalled(_ me: WorkerRef, _ inspection: inout Inspection) {
    me.pointee.sleep.pointee.prepare()
    let asleep = sleepers.add(1, ordering: .sequentiallyConsistent).newValue
    // A worker by itself has nobody who pushes with the light side only.
    if parallelism > 1 { cs_fence_heavy() }
    if isQuiet(me) {
      let allAsleep = asleep == startedWorkers.load(ordering: .relaxed)
      if allAsleep, decisions != nil, !isTimeLeft(me) {
        breakDeadlock()
      } else if !(allAsleep && isVirtual && advanceVirtualTime(me)) {
        let limit = timeToSleep(me, &inspection)
        if limit < 0, allAsleep, suspectsDeadlocks {
          sleepUntilCalledOrDeadlocked(me)
        } else {
          me.pointee.sleep.wait(nanoseconds: returnStacks(me, beforeSleeping: limit))
        }
      }
    }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    risings.wrappingAdd(1, ordering: .sequentiallyConsistent)
    me.pointee.sleep.pointee.rise()
  }

  /// True if there is nothing that this worker should rather do.
  private func isQuiet(_ me: WorkerRef) -> Bool {
    if isStopping.load(ordering: .acquiring) || me.pointee.hasMail.load(ordering: .sequentiallyConsistent) {
      return false
    }
    if overflowCount.load(ordering: .sequentiallyConsistent) > 0 { return false }
    for index in 0..<startedWorkers.load(ordering: .acquiring) {
      let queued = worker(index).pointee.queue.count
      if queued >= 2 || queued == 1 && worker(index) == me { return false }
    }
    return true
  }

  /// Whether no fiber but the caller's can run, now.
  func isEverybodyElseParked(_ me: WorkerRef) -> Bool {
    let started = startedWorkers.load(ordering: .acquiring)
    if overflowCount.load(ordering: .acquiring) > 0 { return false }
    for index in 0..<started {
      let worker = worker(index)
      if worker.pointee.queue.count > 0 || worker.pointee.hasMail.load(ordering: .acquiring) { return false }
      if worker != me, !worker.pointee.sleep.pointee.isAsleep { return false }
    }
    return true
  }

  // MARK: Keeping watch

  /// How long to sleep: for ever, unless this worker keeps the watch.
  private func timeToSleep(_ me: WorkerRef, _ inspection: inout Inspection) -> Int64 {
    let index = me.pointee.index
    let (taken, holder) = watch.compareExchange(expected: -1, desired: index, ordering: .acquiringAndReleasing)
    guard taken || holder == index else {
      // The watch may be sleeping towards a later timer than one of mine.
      if me.pointee.timers.earliest < watchDeadline.load(ordering: .acquiring) {
        worker(holder).pointee.sleep.wake()
      }
      return -1
    }
    // The cautious answers first, then a look. Whoever rose before is missing from the sleepers; whoever rises from here on sees that
    // nobody inspects and no timer is known, and calls. (Tests/Models/sleep.pml finds what is lost otherwise.)
    isInspecting.store(false, ordering: .relaxed)
    watchDeadline.store(.max, ordering: .sequentiallyConsistent)
    let allAsleep = sleepers.load(ordering: .sequentiallyConsistent) == startedWorkers.load(ordering: .acquiring)
    var earliest = Int64.max
    for other in 0..<startedWorkers.load(ordering: .acquiring) {
      earliest = min(earliest, worker(other).pointee.timers.earliest)
    }
    var remaining: Int64 = earliest == .max || isVirtual ? .max : max(0, earliest - now)
    if !allAsleep {
      remaining = min(remaining, inspection.period)
      inspection.period = min(inspection.period * 2, Inspection.longest)
    }
    isInspecting.store(!allAsleep, ordering: .releasing)
    watchDeadline.store(earliest, ordering: .releasing)
    return remaining == .max ? -1 : remaining
  }

  /// Hands the watch to another sleeper before going to work.
  private func endWatch(_ me: WorkerRef) {
    watch.store(-1, ordering: .releasing)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { callWorker() }
  }

  /// The watch went to sleep when nobody worked, and knows nothing of a timer that is earlier than those it saw.
  ///
  /// Wakes it; from then on it inspects, and this is not called again for as long as somebody works.
  fileprivate func tellWatch(of deadline: Int64) {
    guard !isInspecting.load(ordering: .relaxed), deadline < watchDeadline.load(ordering: .relaxed) else { return }
    let onWatch = watch.load(ordering: .acquiring)
    if onWatch >= 0 { worker(onWatch).pointee.sleep.wake() }
  }

  /// Whether somebody inspects the queues now and then.
  var isWatched: Bool { isInspecting.load(ordering: .relaxed) && watch.load(ordering: .relaxed) >= 0 }
}

extension Scheduler.Inspection {
  /// Whether a worker has not switched since the last inspection.
  fileprivate mutating func isUnmoved(_ index: Int, _ now: Int) -> Bool {
    while switches.count <= index { switches.append(-1) }
    defer { switches[index] = now }
    return switches[index] == now
  }
}

extension WorkerRef {
  /// After a timer has been set on this worker, which may compute for long before it looks at its timers again.
  @inline(__always)
  func tellWatch(of deadline: Int64) {
    guard pointee.sharesWork else { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.tellWatch(of: deadline) }
  }
}
