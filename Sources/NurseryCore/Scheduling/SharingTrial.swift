import CSwitch

/// What a worker remembers until it can judge.
struct SharingTrial {
  /// How long its thread had run when it last stole, until it is known what that was worth; 0 for none.
  private var stolenAt: Int64 = 0
  private var cost: Int64 = 0
  private var clashesSinceSteal: Int64 = 0
  private var clashes: Int64 = 0
  /// Since when those have been counted.
  private var start: Int64 = 0

  /// How long a worker runs on average from one wait for a lock to the next when it had better not run.
  private static var clash: Int64 { 4_000 }

  mutating func beginSteal(cost: Int64) {
    noteClashes()
    stolenAt = System.threadTime()
    self.cost = cost
    clashesSinceSteal = 0
  }

  mutating func forgetSteal() { stolenAt = 0 }

  /// What came of the last steal, when the worker has run dry; nil if that is known.
  mutating func endSteal() -> (time: Int64, cost: Int64)? {
    guard stolenAt != 0 else { return nil }
    // Not the clock's time, of which others may have had a part.
    let time = System.threadTime() &- stolenAt
    stolenAt = 0
    noteClashes()
    return (time < clashesSinceSteal &* Self.clash ? 0 : time, cost)
  }

  /// Whether the worker waits for locks too much of its time, and not by accident.
  mutating func isClashing() -> Bool {
    noteClashes()
    guard clashes >= 16 else { return false }
    let now = System.monotonicNow()
    defer { (start, clashes) = (now, 0) }
    return now &- start < clashes &* Self.clash
  }

  private mutating func noteClashes() {
    let count = Int64(cs_take_contentions())
    clashes += count
    clashesSinceSteal += count
  }
}
