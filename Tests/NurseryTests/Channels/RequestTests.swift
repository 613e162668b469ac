import Nursery
import Testing

/// Never ready; calls `action` whenever its waiter is withdrawn.
private final class WithdrawalProbe: BaseOperation {
  private let action: () -> Void

  init(_ action: @escaping () -> Void) {
    self.action = action
  }

  func poll() -> Int? { nil }
  func enlist(_ waiter: Waiter<Int>) {}
  func withdraw(_ waiter: Waiter<Int>) { action() }
}

struct RequestTests {
  @Test(arguments: parallelisms) func eachClientGetsItsOwnReply(workers: Int) throws {
    try virtually(workers) {
      let inbox = Requests<Int, Int>()
      try withNursery { nursery in
        for _ in 0..<2 {
          nursery.goAsync(daemon: true) {
            while let request = try inbox.next() { request.reply(request.query * 2) }
          }
        }
        for client in 0..<10 {
          nursery.goAsync(placement: .spread) {
            for number in 0..<50 { expectEqual(try inbox.ask(100 * client + number), 2 * (100 * client + number)) }
          }
        }
      }
    }
  }

  @Test func requestsAreServedInTheOrderTheyWereMade() throws {
    let order = Log<Int>()
    try virtually {
      let inbox = Requests<Int, Int>()
      try withNursery { nursery in
        for number in 0..<5 {
          nursery.goAsync { _ = try inbox.ask(number) }
          waitUntilAllParked()
        }
        for _ in 0..<5 {
          guard let request = try inbox.next() else { continue }
          order.append(request.query)
          request.reply(0)
        }
      }
    }
    #expect(order.entries == [0, 1, 2, 3, 4])
  }

  @Test func aClientThatLeavesBeforeItIsServedLeavesNoRequest() throws {
    try virtually {
      let inbox = Requests<String, Int>()
      expectThrows(TimeoutError.self) { _ = try inbox.askOp("late").orTimeout(after: .seconds(1)).perform() }
      try #expect(inbox.askOp("polled").poll() == nil)
      expectEqual(inbox.waitingCount, 0)
      try #expect(inbox.nextOp().poll() == nil)
    }
  }

  @Test func aServerLearnsThatTheClientHasGone() throws {
    try virtually {
      let inbox = Requests<String, Int>()
      try withNursery { nursery in
        let client = nursery.goAsync { try inbox.ask("long") }
        let request = try inbox.next()!
        #expect(!request.isAbandoned)
        try #expect(request.abandonedOp().poll() == nil)
        client.cancel()
        try request.abandonedOp().perform()
        #expect(request.isAbandoned)
        #expect(!request.reply(1))
      }
    }
  }

  @Test func theServersErrorIsTheClients() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      try withNursery { nursery in
        nursery.goAsync(daemon: true) {
          while let request = try inbox.next() { request.fail(Oops(request.query)) }
        }
        expectThrows(Oops(3)) { _ = try inbox.ask(3) }
      }
    }
  }

  @Test func aRequestThatIsDroppedFailsItsClient() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      try withNursery { nursery in
        nursery.goAsync(daemon: true) { while try inbox.next() != nil {} }
        let error = expectThrows(NoReplyError.self) { _ = try inbox.ask(3) }
        #expect(error.map { "\($0)" }?.contains("call reply(_:) or fail(_:)") == true)
      }
    }
  }

  @Test func aCloseFailsWhatNoServerHasTakenAndEndsTheServers() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      try withNursery { nursery in
        let first = nursery.goAsync { try inbox.ask(1) }
        let request = try inbox.next()!
        let second = nursery.goAsync { expectThrows(ChannelClosedError.self) { _ = try inbox.ask(2) } }
        waitUntilAllParked()
        inbox.close()
        try #expect(inbox.next() == nil)
        _ = try second.wait()
        #expect(request.reply(7))
        expectEqual(try first.wait(), 7)
        expectThrows(ChannelClosedError.self) { _ = try inbox.ask(3) }
        try #expect(inbox.nextOp().perform() == nil)
      }
    }
  }

  @Test func replyingTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let inbox = Requests<Int, Int>()
        goAsync { _ = try inbox.ask(1) }
        let request = try inbox.next()!
        request.reply(1)
        request.reply(2)
      }
    }
    #expect(standardError(result).contains("once"))
  }

  @Test func aCallBesideIOKeepsItsServerWhileTheIOTriesAgain() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      let tries = Channel<Void>(.bounded(10))
      let (input, output) = try PipeStream.pair()
      try withNursery { nursery in
        let client = nursery.goAsync {
          let lines = BufferedReader(input)
          return try choose(
            inbox.askOp(1).wrap { "reply \($0)" }, lines.readLineOp().wrap { "line \($0 ?? "")" },
            Op(base: WithdrawalProbe { _ = try? tries.trySend(()) }).wrap { "\($0)" })
        }
        let request = try inbox.next()!
        try output.writeAll("first piece, ")
        try tries.receive()
        waitUntilAllParked()
        #expect(!request.isAbandoned)
        expectEqual(inbox.waitingCount, 0)
        inbox.close()
        try output.writeAll("second piece, ")
        try tries.receive()
        waitUntilAllParked()
        #expect(!request.isAbandoned)
        #expect(request.reply(2))
        expectEqual(try client.wait(), "reply 2")
        #expect(request.isAbandoned)
      }
    }
  }

  @Test func aCallBesideIOKeepsItsPlaceAndLeavesWhenTheIOWins() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      let tries = Channel<Void>(.bounded(10))
      let (input, output) = try PipeStream.pair()
      try withNursery { nursery in
        let first = nursery.goAsync {
          let lines = BufferedReader(input)
          return try choose(
            inbox.askOp(1).wrap { "reply \($0)" }, lines.readLineOp().wrap { $0 ?? "" },
            Op(base: WithdrawalProbe { _ = try? tries.trySend(()) }).wrap { "\($0)" })
        }
        waitUntilAllParked()
        let second = nursery.goAsync { try inbox.ask(2) }
        waitUntilAllParked()
        try output.writeAll("li")
        try tries.receive()
        waitUntilAllParked()
        expectEqual(inbox.waitingCount, 2)
        let request = try inbox.next()!
        expectEqual(request.query, 1)
        try output.writeAll("ne\n")
        expectEqual(try first.wait(), "line")
        #expect(request.isAbandoned)
        #expect(!request.reply(0))
        try inbox.next()!.reply(3)
        expectEqual(try second.wait(), 3)
      }
    }
  }

  @Test func aReplyThatComesWhileTheIOTriesAgainIsNotLost() throws {
    try virtually {
      let inbox = Requests<Int, Int>()
      let (input, output) = try PipeStream.pair()
      try withNursery { nursery in
        let taken = Guarded<Requests<Int, Int>.Request?>(nil)
        let client = nursery.goAsync {
          let lines = BufferedReader(input)
          return try choose(
            inbox.askOp(1), lines.readLineOp().wrap { _ in 0 },
            Op(
              base: WithdrawalProbe {
                taken.withLock { $0.take() }?.reply(2)
              }))
        }
        let request = try inbox.next()!
        taken.withLock { $0 = request }
        waitUntilAllParked()
        try output.writeAll("piece")
        expectEqual(try client.wait(), 2)
      }
    }
  }
}
