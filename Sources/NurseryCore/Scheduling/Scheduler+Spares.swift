import Synchronization

// While no worker sleeps, a spare thread inspects the queues: it takes the fibers that can be stolen away from a worker that does not get
// anywhere, because its fiber computes or sits in a system call, and leaves them to those that do.
//
// Where fibers migrate and every worker is occupied in this way, a spare also runs what is queued: it has all that a worker has, is none
// of the workers, and runs fibers only for as long as none of them gets anywhere. Where fibers stay on their threads, what is queued
// waits.
//
//                        called when no worker sleeps
//            +---------------------------------------------------+
//            v                                                   |
//     sentinel, asleep for a time slice --- a worker sleeps --> sentinel, resting
//        |   ^
//        |   +-- time is up: inspects. Where a worker has not moved for a time slice, its queue is given to those that do ...
//        |   |
//        |   +------------------- there is no sentinel +
//        v                                               |
//     ... or, as none moves, stands in: runs it --> done, or a worker moves again: steps back --> idle
//                                                            ^                                       |
//                                                            +---- the sentinel stands in -----------+
//
// There is at most one sentinel. It is started when for the first time every worker is busy and no further one may be; when it
// stands in, it appoints another
// spare, or starts one. So a further spare comes only when all workers, and all spares before it, have been occupied for
// a time slice; and there are at most as many spares as `parallelism`: then the processors have twice the work they can do, and
// more threads would only take them from each other.
//
// Invariants: while every worker is busy and a spare is idle, the sentinel sleeps with a timeout. (A worker that leaves the
// sleepers and then finds work looks whether the sentinel rests; the sentinel announces that it rests, and then looks whether a worker
// sleeps.) A spare that sleeps has nothing queued. A spare counts as awake before it takes anything; one that stops counting wakes
// a worker if all sleep. (Tests/Models/spare.pml finds what is lost otherwise.)
//
// While a worker sleeps, that one keeps watch (`Scheduler+Watch`), and finds a queue that does not move much sooner.
extension Scheduler {
  /// Called by a worker that goes to work: if it was the last that slept, another worker, if one more may be started, or a spare keeps watch.
  func callSentinelIfNobodySleeps() {
    guard parallelism > 1, sleepers.load(ordering: .sequentiallyConsistent) == 0 else { return }
    if isRoomForWorker { return startWorker() }
    let index = sentinel.load(ordering: .sequentiallyConsistent)
    if index >= 0 {
      if sentinelRests.load(ordering: .sequentiallyConsistent) { worker(index).pointee.sleep.wake() }
    } else if spares.load(ordering: .relaxed) == 0 {
      startSentinel()
    }
  }

  /// Where a spare spends its time: returns a fiber to run while no worker gets anywhere, or nil when the scheduler stops.
  func standBy(_ me: WorkerRef) -> FiberRef? {
    while !isStopping.load(ordering: .acquiring) {
      if let fiber = inspect(me) { return fiber }
      rest(me)
    }
    return nil
  }

  /// Takes over the queues of workers that have not moved since the last inspection: a fiber to run, if no worker could.
  private func inspect(_ me: WorkerRef) -> FiberRef? {
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { return nil }
    if me.pointee.inspection.isReactorNeglected(reactorIfAny) { askReactor() }
    let isSomebodyMoving = takeOverQueues(me)
    // A fiber that began here would be bound to this thread, which is no worker's.
    if !migrates || isSomebodyMoving || isRoomForWorker || sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      giveUpQueue(me)
      return nil
    }
    me.collectArrivals()
    guard let fiber = me.pointee.queue.pop() else { return nil }
    appointAnother(me)
    return fiber
  }

  /// Whether a worker has moved.
  private func takeOverQueues(_ me: WorkerRef) -> Bool {
    var isSomebodyMoving = false
    if me.pointee.timers.earliest != .max { _ = me.pointee.timers.fire(me.now) }
    for index in 0..<places.load(ordering: .acquiring) {
      let other = worker(index)
      if other == me { continue }
      let isUnmoved = me.pointee.inspection.isUnmoved(index, other.pointee.switches.load(ordering: .relaxed))
      if !isUnmoved, other.pointee.duty.load(ordering: .acquiring) != .gone {
        isSomebodyMoving = true
        continue
      }
      if other.pointee.timers.earliest != .max { _ = other.pointee.timers.fire(me.now) }
      var taken = 0
      // Of very many, some: the rest can wait for the next inspection.
      while taken < 8, let chain = other.pointee.queue.steal(atMost: 128, by: me) {
        taken += 1
        me.queueChain(chain)
      }
      if taken > 0 { takeovers.add(1, ordering: .relaxed) }
    }
    return isSomebodyMoving
  }

  /// Whether a spare that stands in, or a worker that leaves, is to give up what it has: at its look around, now and then.
  func isToMakeWay(_ me: WorkerRef) -> Bool {
    if me.pointee.duty.load(ordering: .relaxed) == .leaving || sleepers.load(ordering: .relaxed) > 0 { return true }
    for index in 0..<places.load(ordering: .acquiring) where index != me.pointee.index {
      let other = worker(index)
      let duty = other.pointee.duty.load(ordering: .acquiring)
      // Of two spares the later makes way, not both.
      if duty == .gone || duty == .spare && index > me.pointee.index { continue }
      if me.pointee.inspection.hasMoved(index, other.pointee.switches.load(ordering: .relaxed)) { return true }
    }
    return false
  }

  // MARK: Sleeping

  private func rest(_ me: WorkerRef) {
    let index = me.pointee.index
    me.leaveTimersToOthers()
    me.pointee.sleep.pointee.prepare()
    let holder = sentinel.compareExchange(expected: -1, desired: index, ordering: .sequentiallyConsistent)
    let isSentinel = holder.exchanged || holder.original == index
    let limit = isSentinel && !isToRest() ? timeSlice : -1
    sparesAwake.subtract(1, ordering: .sequentiallyConsistent)
    wakeSomebodyIfAllSleep()
    var isTimeUp = false
    if !isStopping.load(ordering: .sequentiallyConsistent) {
      isTimeUp = me.pointee.sleep.wait(nanoseconds: limit)
    }
    sparesAwake.add(1, ordering: .sequentiallyConsistent)
    risings.wrappingAdd(1, ordering: .sequentiallyConsistent)
    me.pointee.sleep.pointee.rise()
    // One that was called has not slept for a time slice.
    if !isTimeUp { me.pointee.inspection.forget() }
  }

  /// Announces that the sentinel rests, and whether it may: only if a sleeping worker keeps the watch.
  private func isToRest() -> Bool {
    sentinelRests.store(true, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { return true }
    sentinelRests.store(false, ordering: .relaxed)
    return false
  }

  // MARK: Appointing a sentinel

  /// Ensures that another spare keeps watch while the sentinel stands in.
  private func appointAnother(_ me: WorkerRef) {
    guard sentinel.load(ordering: .relaxed) == me.pointee.index else { return }
    sentinel.store(-1, ordering: .sequentiallyConsistent)
    // A spare that is about to rest announces it and then looks whether there is a sentinel.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    for index in 0..<places.load(ordering: .acquiring) where index != me.pointee.index {
      let other = worker(index)
      guard other.pointee.duty.load(ordering: .acquiring) == .spare, other.pointee.sleep.pointee.isAsleep else {
        continue
      }
      if sentinel.compareExchange(expected: -1, desired: index, ordering: .sequentiallyConsistent).exchanged {
        other.pointee.sleep.wake()
      }
      return
    }
    startSentinel()
  }

  private func startSentinel() {
    lock.lock()
    defer { lock.unlock() }
    guard sentinel.load(ordering: .relaxed) < 0, spares.load(ordering: .relaxed) < parallelism,
      !isStopping.load(ordering: .relaxed), let index = try? startThread(.spare)
    else { return }
    spares.add(1, ordering: .releasing)
    sentinel.store(index, ordering: .sequentiallyConsistent)
  }
}
