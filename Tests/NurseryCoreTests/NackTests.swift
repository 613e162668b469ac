import NurseryCore
import Testing

/// Negative acknowledgements fire exactly once, before the perform returns, iff the winner lies outside.
struct NackTests {
  /// An operation that commits on `ready`, and counts how often it is abandoned.
  private func counted(_ counter: Counter, _ ready: Op<Int>) -> Op<Int> {
    ready.onAbandon { counter.add() }
  }

  @Test(arguments: parallelisms) func aLosersNackIsReadyWhenThePerformReturns(workers: Int) throws {
    try virtually(workers) {
      let nacks = Log<Nack>()
      let loser = Op<Int>.withNack { nack in
        nacks.append(nack)
        return .never
      }
      try #expect(loser.or(.always(1)).perform() == 1)
      #expect(nacks.entries.count == 1)
      try expectEqual(nacks.entries[0].waitOp().wrap { true }.poll(), true)
    }
  }

  @Test func theWinnersNackStaysSilent() throws {
    try virtually {
      let nacks = Log<Nack>()
      let winner = Op<Int>.withNack { nack in
        nacks.append(nack)
        return .always(2)
      }
      try #expect(winner.or(.never).perform() == 2)
      try expectEqual(nacks.entries[0].waitOp().wrap { true }.poll(), nil)
    }
  }

  @Test(arguments: parallelisms) func aParkedLosersNackFiresOnce(workers: Int) throws {
    let lost = Counter()
    let won = Counter()
    try virtually(workers) {
      let channel = Channel<Int>()
      spawn { try channel.send(5) }
      let value = try choose(counted(lost, .never), counted(won, channel.receiveOp()), counted(lost, .never))
      #expect(value == 5)
      #expect(lost.value == 2)
    }
    #expect(lost.value == 2)
    #expect(won.value == 0)
  }

  @Test func nestedNacksFireIffTheWinnerLiesOutside() throws {
    try virtually {
      let inner = Counter()
      let outer = Counter()
      let sibling = Counter()
      let channels = (0..<3).map { _ in Channel<Int>(.bounded(1)) }
      let operation = Op.biased([
        counted(outer, .biased([counted(inner, channels[0].receiveOp()), channels[1].receiveOp()])),
        counted(sibling, channels[2].receiveOp()),
      ])
      try channels[0].send(0)
      _ = try operation.perform()
      #expect([inner.value, outer.value, sibling.value] == [0, 0, 1])
      try channels[1].send(0)
      _ = try operation.perform()
      #expect([inner.value, outer.value, sibling.value] == [1, 0, 2])
      try channels[2].send(0)
      _ = try operation.perform()
      #expect([inner.value, outer.value, sibling.value] == [2, 1, 2])
    }
  }

  @Test func aPollThatCommitsNothingAbandonsEveryBranch() throws {
    try virtually {
      let abandoned = Counter()
      try #expect(counted(abandoned, .never).or(counted(abandoned, .never)).poll() == nil)
      #expect(abandoned.value == 2)
      try #expect(counted(abandoned, .always(1)).poll() == 1)
      #expect(abandoned.value == 2)
    }
  }

  @Test func cancellationAbandonsEveryBranch() throws {
    let abandoned = Counter()
    try virtually {
      let fiber = spawn { try choose(counted(abandoned, .never), counted(abandoned, .never)) }
      letOthersRun()
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
    #expect(abandoned.value == 2)
  }

  @Test func aTimeoutAbandonsTheOtherBranches() throws {
    let abandoned = Counter()
    try virtually {
      let timeout = timeoutOp(after: .seconds(1)).wrap { -1 }
      try #expect(counted(abandoned, .never).or(timeout).perform() == -1)
    }
    #expect(abandoned.value == 1)
  }

  @Test func aLaterGuardsErrorFiresTheNacksOfEarlierOnes() throws {
    try virtually {
      let nacks = Log<Nack>()
      let operation = Op.biased([
        Op<Int>.withNack { nack in
          nacks.append(nack)
          return .never
        },
        .guarded { throw Oops() },
      ])
      expectThrows(Oops.self) { try operation.perform() }
      try expectEqual(nacks.entries[0].waitOp().wrap { true }.poll(), true)
    }
  }

  @Test func aWrapThatThrowsHasNotAbandonedItsBranch() throws {
    let abandoned = Counter()
    try virtually {
      let operation = counted(abandoned, .always(1)).wrap { _ -> Int in throw Oops() }
      expectThrows(Oops.self) { try operation.perform() }
    }
    #expect(abandoned.value == 0)
  }

  @Test func anAbandonmentMayPerformOperationsItself() throws {
    let log = Log<String>()
    try virtually {
      let channel = Channel<String>()
      spawn { for message in channel { log.append(message) } }
      let loser = Op<Int>.never.onAbandon { try? channel.send("abandoned") }
      try expectEqual(loser.or(timeoutOp(after: .seconds(1)).wrap { 3 }).perform(), 3)
      channel.close()
    }
    #expect(log.entries == ["abandoned"])
  }

  @Test(arguments: parallelisms) func aServerLearnsThatItsClientHasGone(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let requests = Channel<(reply: Channel<Int>, nack: Nack)>()
      spawn {
        for request in requests {
          try sleep(for: .seconds(2))
          log.append(try choose(request.reply.sendOp(1).wrap { "served" }, request.nack.waitOp().wrap { "gone" }))
        }
      }
      let call = Op<Int>.withNack { nack in
        let reply = Channel<Int>()
        try requests.send((reply, nack))
        return reply.receiveOp()
      }
      try #expect(call.perform() == 1)
      try expectEqual(call.or(timeoutOp(after: .seconds(1)).wrap { -1 }).perform(), -1)
      try sleep(for: .seconds(5))
      requests.close()
    }
    #expect(log.entries == ["served", "gone"])
  }
}
