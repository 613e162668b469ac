import CSwitch
import Synchronization

// Whether workers share what is queued, or leave it to the one that has it. Fibers that mostly wait for each other are quickest on one
// worker: a second one costs a barrier for each steal, a cache miss for each message, and both wait for the same locks. So sharing
// is tried, and judged by what came of it:
//
//                 8 steals in a row of which the thief ran dry at once;
//                 or a worker that waits for locks most of the time: it gives up its queue
//      shared ------------------------------------------------------------------------------> kept together
//        ^                                                                                         |
//        +-------------- the pause is over, as whoever keeps watch sees at an inspection ----------+
//
// Kept together, nobody is called because a queue grows, and nobody steals but at an inspection, from a queue that is slow or does not move. A
// pause is twice as long as the one before, unless a steal has paid meanwhile.
//
// Invariant: a call is left out only while somebody inspects (`isWatched`), as for a single runnable fiber. So a judgement that is wrong
// holds up a fiber until the next inspection, and a worker no longer than the pause. (Tests/Models/sleep.pml, with TOGETHER.)
struct Sharing: ~Copyable {
  /// When sharing is tried again, in nanoseconds of the real clock; 0 while everything is shared.
  private let pauseEnd = Atomic<Int64>(0)
  private let lastPause = Atomic<Int64>(0)
  private let stealsInVain = Atomic<Int>(0)

  private static var shortest: Int64 { 100_000 }
  private static var longest: Int64 { 25_000_000 }
  private static var mostStealsInVain: Int { 8 }

  var isPaused: Bool { pauseEnd.load(ordering: .relaxed) != 0 }

  /// Whether the pause has lasted long enough.
  var isPauseOver: Bool {
    let end = pauseEnd.load(ordering: .relaxed)
    return end != 0 && end <= System.monotonicNow()
  }

  /// Lets everybody share again, the caller first.
  func resume(_ inspection: inout Scheduler.Inspection) {
    pauseEnd.store(0, ordering: .relaxed)
    stealsInVain.store(0, ordering: .relaxed)
    inspection.isByClock = false
  }

  func pause() {
    guard !isPaused else { return }
    let pause = min(max(2 * lastPause.load(ordering: .relaxed), Self.shortest), Self.longest)
    lastPause.store(pause, ordering: .relaxed)
    pauseEnd.store(System.monotonicNow() &+ pause, ordering: .relaxed)
  }

  func judge(_ hasPaid: Bool) {
    if hasPaid {
      stealsInVain.store(0, ordering: .relaxed)
      lastPause.store(0, ordering: .relaxed)
    } else if stealsInVain.wrappingAdd(1, ordering: .relaxed).newValue >= Self.mostStealsInVain {
      pause()
    }
  }
}

extension Scheduler {
  /// Whether growing queues are left to their workers for the time being, and somebody keeps an eye on them.
  var isKeptTogether: Bool { sharing.isPaused && isWatched }

  /// How long what was stolen has to keep a thief occupied to be worth a barrier and the misses.
  private static var worthStealing: Int64 { 20_000 }

  /// How long a worker runs on average from one wait for a lock to the next when it had better not run.
  private static var clash: Int64 { 4_000 }

  /// A worker that has run dry looks back whether its last steal was worth it.
  func judgeSteal(_ me: WorkerRef) {
    guard me.pointee.stolenAt != 0 else { return }
    let time = System.monotonicNow() &- me.pointee.stolenAt
    me.pointee.stolenAt = 0
    sharing.judge(time >= Self.worthStealing)
  }

  /// Called every 64 switches: a worker that mostly waits for locks, and not by accident, leaves its fibers to an earlier one.
  func retreatIfClashing(_ me: WorkerRef) {
    guard me.pointee.index > 0 else { return }
    let clashes = Int64(cs_take_contentions())
    if clashes < 8 { return me.pointee.clashingSince = 0 }
    let since = me.pointee.clashingSince
    me.pointee.clashingSince = System.monotonicNow()
    guard since != 0, me.pointee.clashingSince &- since < clashes &* Self.clash else { return }
    me.pointee.clashingSince = 0
    giveQueueToEarlierWorker(me)
  }

  private func giveQueueToEarlierWorker(_ me: WorkerRef) {
    // Whoever is told to leave gives up his queue under the lock, or after he has been seen to be told.
    lock.lock()
    defer { lock.unlock() }
    guard me.pointee.duty.load(ordering: .relaxed) == .regular,
      let heir = (0..<me.pointee.index).lazy.map({ self.worker($0) }).first(where: {
        $0.pointee.duty.load(ordering: .relaxed) == .regular && !$0.pointee.sleep.pointee.isAsleep
      })
    else { return }
    sharing.pause()
    me.pointee.stolenAt = 0
    guard let chain = me.pointee.queue.popAll() else { return }
    if !heir.pointee.queue.give(chain, by: me) { return me.queueChain(chain) }
    // He may be about to sleep: he announces it and then looks into his queue.
    fullFence()
    heir.pointee.sleep.wake()
  }
}
