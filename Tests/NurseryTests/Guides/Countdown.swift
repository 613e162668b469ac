import Nursery

/// Counts arrivals in rounds: every `count` arrivals end a round.
struct Countdown: Sendable {
  private struct Round: Sendable {
    let number: Int
    var missing: Int
    let over = Condition()
  }

  private let count: Int
  /// Holds the current round; the fiber that has received it owns it, and sends it back without waiting.
  private let current = Channel<Round>(.bounded(1))

  init(_ count: Int) {
    precondition(count > 0, "Countdown(\(count)) would never end a round; write 1 or more")
    self.count = count
    _ = try? current.trySend(Round(number: 1, missing: count))  // neither full nor closed
  }

  /// The operation that counts one arrival; its value is the number of the round.
  func arriveOp() -> Op<Int> {
    current.receiveOp().wrap { round in
      var next = round
      next.missing -= 1
      if next.missing == 0 {
        next = Round(number: round.number + 1, missing: count)
        round.over.signal()
      }
      _ = try current.trySend(next)  // there is room: this fiber has taken the only element
      return round.number
    }
  }

  /// The operation that waits for the end of the round that is current when it is performed.
  func roundOp() -> Op<Int> {
    .guarded {
      let round = try current.receive()
      _ = try current.trySend(round)
      return round.over.waitOp().wrap { round.number }
    }
  }
}
