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
  /// What a barrier and the misses are worth.
  private static var worthStealing: Int64 { 20_000 }

  var isPaused: Bool { pauseEnd.load(ordering: .relaxed) != 0 }

  /// Lets everybody share again if the pause has lasted long enough; true if it has.
  func resumeIfDue(_ now: Int64) -> Bool {
    guard isPaused, pauseEnd.load(ordering: .relaxed) <= now else { return false }
    pauseEnd.store(0, ordering: .relaxed)
    stealsInVain.store(0, ordering: .relaxed)
    return true
  }

  func pause(_ now: Int64) {
    guard !isPaused else { return }
    let pause = min(max(2 * lastPause.load(ordering: .relaxed), Self.shortest), Self.longest)
    lastPause.store(pause, ordering: .relaxed)
    pauseEnd.store(now &+ pause, ordering: .relaxed)
  }

  /// - Parameter time: for how long what was stolen has occupied the thief's processor, in nanoseconds.
  func judgeSteal(_ time: Int64, now: Int64) {
    if time >= Self.worthStealing {
      stealsInVain.store(0, ordering: .relaxed)
      lastPause.store(0, ordering: .relaxed)
    } else if stealsInVain.wrappingAdd(1, ordering: .relaxed).newValue >= Self.mostStealsInVain {
      pause(now)
    }
  }
}

extension Scheduler {
  /// Whether growing queues are left to their workers for the time being, and somebody keeps an eye on them.
  var isKeptTogether: Bool { sharing.isPaused && isWatched }

  /// How long a worker runs on average from one wait for a lock to the next when it had better not run.
  private static var clash: Int64 { 4_000 }

  /// A worker that has run dry looks back whether its last steal was worth it.
  func judgeSteal(_ me: WorkerRef) {
    guard me.pointee.stolenAt != 0 else { return }
    // Not the clock's time, of which others may have had a part.
    let time = System.threadTime() &- me.pointee.stolenAt
    me.pointee.stolenAt = 0
    sharing.judgeSteal(time, now: System.monotonicNow())
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
    sharing.pause(System.monotonicNow())
    me.pointee.stolenAt = 0
    guard let chain = me.pointee.queue.popAll() else { return }
    if !heir.pointee.queue.give(chain, by: me) { return me.queueChain(chain) }
    // He may be about to sleep: he announces it and then looks into his queue.
    fullFence()
    heir.pointee.sleep.wake()
  }
}
