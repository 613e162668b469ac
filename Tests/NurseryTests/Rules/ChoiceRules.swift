import Nursery
import Testing

/// The rules of choice, each under every schedule of a small script.
struct ChoiceRules {
  @Test func onePerformCommitsExactlyOneBranchAndNothingOfTheOthersHappens() throws {
    try underEverySchedule {
      let first = Channel<Int>(.bounded(1))
      let second = Channel<Int>(.bounded(1))
      let wraps = Counter()
      try withNursery { nursery in
        nursery.goAsync { try first.send(1) }
        nursery.goAsync { try second.send(2) }
        let taken = try choose(
          first.receiveOp().wrap {
            wraps.add()
            return $0
          },
          second.receiveOp().wrap {
            wraps.add(10)
            return $0
          })
        try hold(wraps.value == (taken == 1 ? 1 : 10), "both branches were wrapped")
      }
      try hold(first.count + second.count == 1, "\(first.count) and \(second.count) are left")
    }
  }

  @Test func aChoiceThatSendsAndReceivesOnOneChannelNeverMeetsItself() throws {
    try underEverySchedule {
      let channel = Channel<Int>()
      let alone = try channel.sendOp(1).wrap { "sent" }
        .or(channel.receiveOp().wrap { _ in "received" })
        .or(sleepOp(for: .seconds(1)).wrap { "timeout" }).perform()
      try hold(alone == "timeout", alone)
      try withNursery { nursery in
        let both = (0..<2).map { number in
          nursery.goAsync {
            try channel.sendOp(number).wrap { 1 }.or(channel.receiveOp().wrap { _ in -1 }).perform()
          }
        }
        try hold(waitAll(both).reduce(0, +) == 0, "they did not meet")
      }
    }
  }

  @Test func choicesOverTheSameChannelsInOppositeOrdersNeitherDeadlockNorCommitTwice() throws {
    try underEverySchedule {
      let left = Channel<Int>()
      let right = Channel<Int>()
      try withNursery { nursery in
        let sender = nursery.goAsync { try choose(left.sendOp(1).wrap { 1 }, right.sendOp(2).wrap { 2 }) }
        let receiver = nursery.goAsync { try choose(right.receiveOp(), left.receiveOp()) }
        let (sent, received) = (try sender.wait(), try receiver.wait())
        try hold(sent == received, "\(sent) was sent and \(received) received")
      }
    }
  }

  @Test func guardsRunOncePerPerformForEveryBranchBeforeAnythingIsPolled() throws {
    try underEverySchedule {
      let channel = Channel<Int>(.bounded(4))
      let guards = Counter()
      let guarded = Op.guarded {
        guards.add()
        return channel.receiveOp()
      }
      let neverReady = Op<Int>.guarded {
        guards.add(10)
        return .never
      }
      let choice = guarded.or(neverReady)
      try hold(guards.value == 0, "a guard ran at construction")
      try withNursery { nursery in
        nursery.goAsync { for number in 1...2 { try channel.send(number) } }
        for round in 1...2 {
          try hold(choice.perform() == round, "out of order")
          try hold(guards.value == 11 * round, "\(guards.value) in round \(round)")
        }
      }
    }
  }

  @Test func aWrapRunsOnceAfterTheCommitAndItsThrowDoesNotUndoIt() throws {
    try underEverySchedule {
      let channel = Channel<Int>(.bounded(1))
      let wraps = Counter()
      try withNursery { nursery in
        nursery.goAsync { try channel.send(1) }
        let me = Fiber.current
        try holdThrows(Oops.self) {
          try channel.receiveOp().wrap { _ in
            wraps.add()
            try hold(Fiber.current == me, "the wrap ran elsewhere")
            throw Oops(1)
          }.or(.never).perform()
        }
      }
      try hold(channel.count == 0 && wraps.value == 1, "\(channel.count) left, \(wraps.value) wraps")
    }
  }

  @Test func aLosersNackFiresExactlyOnceBeforeThePerformReturns() throws {
    try underEverySchedule {
      let left = Channel<Int>()
      let right = Channel<Int>()
      let abandoned = Counter()
      try withNursery { nursery in
        nursery.goAsync { _ = try choose(left.sendOp(1), right.sendOp(2)) }
        let winner = try choose(
          left.receiveOp().onAbandon { abandoned.add(1) }, right.receiveOp().onAbandon { abandoned.add(10) })
        try hold(abandoned.value == (winner == 1 ? 10 : 1), "\(winner) won and \(abandoned.value) fired")
      }
    }
  }

  @Test func aNackAlsoFiresWhenThePerformIsCancelledTimesOutOrThrows() throws {
    try underEverySchedule {
      let channel = Channel<Int>()
      let fired = Counter()
      let operation = { @Sendable in Op<Int>.withNack { _ in channel.receiveOp().onAbandon { fired.add() } } }
      let began = Counter()
      try withNursery { nursery in
        let waiter = nursery.goAsync {
          try Op<Int>.guarded {
            began.add()
            return operation()
          }.perform()
        }
        nursery.goAsync { waiter.cancel() }
        _ = try waiter.result()
        try hold(fired.value == began.value, "\(fired.value) of \(began.value) after the cancellation")
      }
      let before = fired.value
      try holdThrows(TimeoutError.self) { try operation().orTimeout(after: .seconds(1)).perform() }
      try hold(fired.value == before + 1, "after the timeout")
      try holdThrows(Oops.self) { try operation().or(Op.always(1).wrap { _ in throw Oops() }).perform() }
      try hold(fired.value == before + 2, "after the error of a wrap")
      try holdThrows(Oops.self) { try operation().or(.guarded { throw Oops() }).perform() }
      try hold(fired.value == before + 3, "after the error of a guard")
      try hold(operation().poll() == nil && fired.value == before + 4, "after the poll")
    }
  }

  @Test func aNestedNackFiresIfAndOnlyIfTheWinnerLiesOutside() throws {
    try underEverySchedule {
      let one = Channel<Int>(.bounded(1))
      let two = Channel<Int>(.bounded(1))
      let three = Channel<Int>(.bounded(1))
      let fired = Counter()
      try withNursery { nursery in
        nursery.goAsync { try one.send(1) }
        nursery.goAsync { try two.send(2) }
        let inner = two.receiveOp().onAbandon { fired.add(1) }
        let outer = inner.or(three.receiveOp()).onAbandon { fired.add(10) }
        let winner = try one.receiveOp().or(outer).perform()
        try hold(fired.value == (winner == 1 ? 11 : 0), "\(winner) won and \(fired.value) fired")
      }
    }
  }

  @Test func losingBranchesLeaveNothingBehind() throws {
    try underEverySchedule {
      let idle = Channel<Int>()
      let busy = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync { try busy.send(1) }
        _ = try choose(idle.receiveOp().wrap { $0 }, busy.receiveOp(), timeoutOp(after: .seconds(9)).wrap { 0 })
        try hold(!idle.trySend(2), "an element was taken without a receiver")
        try hold(idle.tryReceive() == nil, "an element came without a sender")
      }
    }
  }

  @Test func aChoiceTakesAnyReadyBranchAndABiasedOneTheFirst() throws {
    let taken = Guarded(Set<Int>())
    try underEverySchedule {
      let outcome = try choose(Op.always(1), Op.always(2), Op.always(3))
      taken.withLock { _ = $0.insert(outcome) }
      try hold(Op.biased([.never, .always(4), .always(5)]).perform() == 4, "not the first")
    }
    #expect(taken.withLock { $0 } == [1, 2, 3])
  }
}
