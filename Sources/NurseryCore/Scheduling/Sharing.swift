import Synchronization

// Whether workers share what is queued, or leave it to the one that has it. Fibers that mostly wait for each other are quickest on one
// worker: a second one costs a barrier for each steal, a cache miss for each message, and both wait for the same locks. So sharing
// is tried, and judged by what came of it:
//
//                 steals of which the thief ran dry soon, or clashed: 8 more than were worth it;
//                 or a worker that waits for locks too much of the time: it gives up its queue
//      shared ------------------------------------------------------------------------------> kept together
//        ^                                                                                         |
//        +-------------- the pause is over, as whoever keeps watch sees at an inspection ----------+
//
// Kept together, nobody is called because a queue grows, and nobody steals but at an inspection, from a queue that is slow or does not move. A
// pause is twice as long as the one before, unless steals have paid meanwhile: 8 more than not.
//
// Invariant: a call is left out only while somebody inspects (`isWatched`), as for a single runnable fiber. So a judgement that is wrong
// holds up a fiber until the next inspection, and a worker no longer than the pause. (Tests/Models/sleep.pml, with TOGETHER.)
struct Sharing: ~Copyable {
  /// When sharing is tried again, in nanoseconds of the real clock; 0 while everything is shared.
  private let pauseEnd = Atomic<Int64>(0)
  private let lastPause = Atomic<Int64>(0)
  /// Steals in vain less those that were worth it, since the last judgement.
  private let balance = Atomic<Int>(0)

  private static var shortest: Int64 { 100_000 }
  private static var longest: Int64 { 25_000_000 }
  private static var certainty: Int { 8 }
  /// What the misses are worth.
  private static var worthStealing: Int64 { 20_000 }

  var isPaused: Bool { pauseEnd.load(ordering: .relaxed) != 0 }

  /// Lets everybody share again if the pause has lasted long enough; true if it has.
  func resumeIfDue(_ now: Int64) -> Bool {
    guard isPaused, pauseEnd.load(ordering: .relaxed) <= now else { return false }
    pauseEnd.store(0, ordering: .relaxed)
    balance.store(0, ordering: .relaxed)
    return true
  }

  func pause(_ now: Int64) {
    guard !isPaused else { return }
    let pause = min(max(2 * lastPause.load(ordering: .relaxed), Self.shortest), Self.longest)
    lastPause.store(pause, ordering: .relaxed)
    pauseEnd.store(now &+ pause, ordering: .relaxed)
  }

  /// - Parameters:
  ///   - time: for how long what was stolen has occupied the thief's processor usefully, in nanoseconds.
  ///   - cost: how long it took to steal; the victim may have waited as long, for the barrier.
  func judgeSteal(_ time: Int64, cost: Int64, now: Int64) {
    let isWorthIt = time >= max(Self.worthStealing, 4 * cost)
    let balance = self.balance.wrappingAdd(isWorthIt ? -1 : 1, ordering: .relaxed).newValue
    guard abs(balance) >= Self.certainty else { return }
    self.balance.store(0, ordering: .relaxed)
    if isWorthIt { lastPause.store(0, ordering: .relaxed) } else { pause(now) }
  }
}
