import CSwitch
import Synchronization

// One sleeping worker keeps watch for all: it alone wakes by the clock, fires the timers of everybody, and while somebody
// works inspects the queues: one that has not moved since the last inspection is taken over. So two fibers that
// play ping-pong on one worker keep it to themselves, and a fiber that computes for long does not hold up its queue.
extension Scheduler {
  /// What the one on watch remembers between inspections.
  struct Inspection {
    /// How often each worker had switched.
    fileprivate var switches: [Int] = []
    /// How often all but this one had, when it last had to decide whether to stay on watch.
    fileprivate var switchesOfOthers = -1
    /// How often the reactor had been asked.
    fileprivate var asked = -1
    fileprivate var period = Self.shortest
    fileprivate var lastPeriod = Self.shortest
    /// Whether it woke by the clock, and had not been called.
    var isByClock = false

    private static let shortest: Int64 = 50_000
    fileprivate static let longest: Int64 = 1_000_000
  }

  /// How long to sleep: until the worker's own next timer, and if it keeps the watch, until the next inspection.
  func timeToSleep(_ me: WorkerRef, _ inspection: inout Inspection) -> Int64 {
    let index = me.pointee.index
    let holder = watch.load(ordering: .relaxed)
    // A worker that leaves serves its own fibers only.
    let mayWatch = me.pointee.duty.load(ordering: .relaxed) != .leaving
    let takes = mayWatch && holder < 0
    guard
      holder == index && mayWatch
        || takes && watch.compareExchange(expected: -1, desired: index, ordering: .acquiringAndReleasing).exchanged
    else { return remaining(until: me.pointee.timers.earliest) }
    // The cautious answers first, then a look. A worker that woke before is missing from the sleepers; one that wakes from here on sees that
    // no worker inspects and no timer is known, and calls. (Tests/Models/sleep.pml finds what is lost otherwise.)
    isInspecting.store(false, ordering: .relaxed)
    watchDeadline.store(.max, ordering: .sequentiallyConsistent)
    let allAsleep = isEverybodyAsleep
    // A sleeping worker wakes for its own timers; one that works may compute past them.
    var earliest = me.pointee.timers.earliest
    for other in 0..<places.load(ordering: .acquiring) where !worker(other).pointee.sleep.pointee.isAsleep {
      earliest = min(earliest, worker(other).pointee.timers.earliest)
    }
    var limit = remaining(until: earliest)
    // A server that works with pauses, while it waits for its clients, would have to wake the watch after each pause. So the watch stays for
    // one inspection more than there was something to see.
    let lingers = expectsOutside && !isVirtual && parallelism > 1
    let inspects = !allAsleep || lingers && inspection.hasAnybodyMoved(switchesOfOthers(me))
    if inspects {
      limit = limit < 0 ? inspection.period : min(limit, inspection.period)
      inspection.lastPeriod = limit
      inspection.period = min(inspection.period * 2, Inspection.longest)
    }
    isInspecting.store(inspects, ordering: .releasing)
    watchDeadline.store(earliest, ordering: .releasing)
    return limit
  }

  /// Nanoseconds until an instant; -1 for ever, as under a virtual clock, which moves when all sleep.
  private func remaining(until instant: Int64) -> Int64 {
    instant == .max || isVirtual ? -1 : max(0, instant - now)
  }

  private func switchesOfOthers(_ me: WorkerRef) -> Int {
    var switches = 0
    for index in 0..<places.load(ordering: .acquiring) where worker(index) != me {
      switches &+= worker(index).pointee.switches.load(ordering: .relaxed)
    }
    return switches
  }

  /// Called before a worker that has found a fiber runs it; ensures that a sleeping worker keeps the watch if there is something to watch.
  ///
  /// That is another worker that works, which this one may have watched; fibers of this one that can be stolen; and because this one may
  /// compute, the reactor, and those of its timers that concern other threads.
  func goToWork(_ me: WorkerRef) {
    giveUpWatch(me)
    let concernsOthers = migrates ? me.pointee.timers.earliest != .max : me.pointee.timers.haveScopes
    if me.pointee.queue.stealableCount > 0 {
      me.callForHelpIfUseful()
    } else if parallelism > 1, !isWatched, isAnotherAwake || concernsOthers || expectsOutside {
      wakeWorker()
    }
    callSentinelIfNobodySleeps()
  }

  /// Whether another worker than the caller is awake; the caller has left the sleepers.
  private var isAnotherAwake: Bool {
    sleepers.load(ordering: .sequentiallyConsistent) + 1 < present.load(ordering: .relaxed)
  }

  /// Gives up the watch, if the caller keeps it.
  ///
  /// The store comes before the caller's look at the sleepers: a worker that falls asleep counts itself, takes the heavy
  /// fence, and then looks whether the watch is kept. (Tests/Models/weak.pml, PASSING.)
  func giveUpWatch(_ me: WorkerRef) {
    guard watch.load(ordering: .relaxed) == me.pointee.index else { return }
    watch.store(-1, ordering: .releasing)
    cs_fence_light()
  }

  /// The watch went to sleep when no worker worked, and knows nothing of a timer that is earlier than those it saw.
  ///
  /// Wakes it, or if no worker keeps the watch, one that will; from then on it inspects, and this is not called again while a worker works.
  fileprivate func tellWatch(of deadline: Int64) {
    if watch.load(ordering: .acquiring) < 0 {
      wakeWorker()
      return
    }
    guard !isInspecting.load(ordering: .relaxed), deadline < watchDeadline.load(ordering: .relaxed) else { return }
    let onWatch = watch.load(ordering: .acquiring)
    if onWatch >= 0 { worker(onWatch).pointee.sleep.wake() }
  }

  /// Whether a worker inspects the queues now and then.
  var isWatched: Bool { isInspecting.load(ordering: .relaxed) && watch.load(ordering: .relaxed) >= 0 }
}

extension Scheduler.Inspection {
  /// Whether a worker has not switched since the last inspection; notes its switches for the next one.
  mutating func isUnmoved(_ index: Int, _ now: Int) -> Bool {
    while switches.count <= index { switches.append(-1) }
    defer { switches[index] = now }
    return switches[index] == now
  }

  /// Whether the queue of a worker would keep a fiber waiting for more than 200 microseconds, at the rate of the last period; false for a worker
  /// that was called.
  func isSlow(_ index: Int, _ now: Int, _ queued: Int) -> Bool {
    guard isByClock, index < switches.count else { return false }
    return Int64(queued) &* lastPeriod > Int64(now &- switches[index]) &* 200_000
  }

  /// Whether there is any sign of life since the last time, given the sum of the others' switches.
  mutating func hasAnybodyMoved(_ now: Int) -> Bool {
    defer { switchesOfOthers = now }
    return switchesOfOthers != now
  }

  /// Whether the reactor has not been asked since the last inspection.
  mutating func isReactorNeglected(_ reactor: Reactor?) -> Bool {
    guard let now = reactor?.asked.load(ordering: .relaxed) else { return false }
    defer { asked = now }
    return asked == now
  }

  /// Whether a worker has switched since the last inspection, or came after it.
  func hasMoved(_ index: Int, _ now: Int) -> Bool { index >= switches.count || switches[index] != now }

  /// From now on nothing is known of the others.
  mutating func forget() { switches.removeAll(keepingCapacity: true) }
}

extension WorkerRef {
  /// After a timer has been set on this worker, which may compute for long before it looks at its timers again.
  @inline(__always)
  func tellWatch(of deadline: Int64) {
    guard sharesWork else { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.tellWatch(of: deadline) }
  }
}
