import Nursery
import Testing

/// The primitives of Guides/Building-your-own.md.
struct BuildingYourOwnTests {
  @Test(arguments: ["Countdown", "Mailbox", "Replies"]) func theGuideShowsTheCodeThatIsTestedHere(type: String) throws {
    let folders = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let guide = (folders.dropLast(3) + ["Guides", "Building-your-own.md"]).joined(separator: "/")
    let source = (folders + ["\(type).swift"]).joined(separator: "/")
    try runFibers {
      let text = try [guide, source].map { path in
        String(decoding: try BufferedReader(FileStream(path)).readAll(limit: 1 << 20), as: UTF8.self)
      }
      let isShown = text[0].contains("```swift\n\(text[1])```\n")
      #expect(isShown, "Guides/Building-your-own.md does not contain \(type).swift as it is")
    }
  }

  // MARK: Countdown

  @Test(arguments: parallelisms) func everyRoundEndsWithItsLastArrival(workers: Int) throws {
    try virtually(workers) {
      let countdown = Countdown(3)
      for number in 1...2 {
        try withNursery { nursery in
          let waiters = (0..<2).map { _ in nursery.goAsync { () -> Int in try countdown.roundOp().perform() } }
          waitUntilAllParked()
          for _ in 1...3 { expectEqual(try countdown.arriveOp().perform(), number) }
          expectEqual(try waitAll(waiters), [number, number])
        }
      }
    }
  }

  @Test func aWaitKeptAsAValueIsForTheRoundInWhichItIsPerformed() throws {
    try virtually {
      let countdown = Countdown(1)
      let round = countdown.roundOp()
      for number in 1...2 {
        try withNursery { nursery in
          let waiter = nursery.goAsync { () -> Int in try countdown.roundOp().perform() }
          waitUntilAllParked()
          expectEqual(try round.or(countdown.arriveOp().wrap { $0 * 10 }).perform(), number * 10)
          expectEqual(try waiter.wait(), number)
        }
      }
    }
  }

  @Test func anArrivalThatLosesIsNotCounted() throws {
    try virtually {
      let countdown = Countdown(2)
      for _ in 1...5 { expectEqual(try Op.biased([.always(0), countdown.arriveOp()]).perform(), 0) }
      expectThrows(TimeoutError.self) { try countdown.roundOp().orTimeout(after: .seconds(1)).perform() }
      for number in [1, 1, 2] { expectEqual(try countdown.arriveOp().perform(), number) }
    }
  }

  @Test func plainThreadsArriveAndWait() throws {
    let countdown = Countdown(2)
    let isOver = Condition()
    let thread = PlainThread { () -> Int in
      defer { isOver.signal() }
      return try countdown.roundOp().orTimeout(after: .seconds(60)).perform()
    }
    expectSoon {
      _ = try? countdown.arriveOp().perform()
      return isOver.isSignalled
    }
    #expect(try thread.join() > 0)
  }

  @Test func aCancelledArrivalIsCountedOrNotAndTheCountdownStaysUsable() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 400, preemptions: 1)) {
      let countdown = Countdown(2)
      let arrivals = Counter()
      goAsync("survivor") {
        for _ in 1...2 {
          _ = try countdown.arriveOp().perform()
          arrivals.add()
        }
      }
      return (countdown: countdown, arrivals: arrivals)
    } body: { stage in
      _ = try stage.countdown.arriveOp().perform()
      stage.arrivals.add()
      _ = try stage.countdown.roundOp().or(sleepOp(for: .seconds(1)).wrap { 0 }).perform()
    } check: { stage, _ in
      waitUntilAllParked()
      let number = try stage.countdown.arriveOp().perform()
      try hold(number == stage.arrivals.value / 2 + 1, "round \(number) after \(stage.arrivals.value) arrivals")
    }
    #expect(calls >= 2)
  }

  // MARK: Mailbox

  @Test(arguments: parallelisms) func eachClientTakesTheOldestElementThatItWants(workers: Int) throws {
    try virtually(workers) {
      try withNursery { nursery in
        let numbers = Mailbox<Int>()
        let even = nursery.goAsync { try (1...3).map { _ in try numbers.takeOp { $0 % 2 == 0 }.perform() } }
        let odd = nursery.goAsync { try (1...3).map { _ in try numbers.takeOp { $0 % 2 == 1 }.perform() } }
        for number in 1...6 { try numbers.putOp(number).perform() }
        expectEqual(try even.wait(), [2, 4, 6])
        expectEqual(try odd.wait(), [1, 3, 5])
      }
    }
  }

  @Test func clientsThatWantTheSameAreServedInTheOrderTheyCame() throws {
    try virtually {
      try withNursery { nursery in
        let numbers = Mailbox<Int>()
        let clients = (0..<4).map { _ in
          defer { waitUntilAllParked() }
          return nursery.goAsync { try numbers.takeOp { $0 > 0 }.perform() }
        }
        for number in 1...4 { try numbers.putOp(number).perform() }
        expectEqual(try waitAll(clients), [1, 2, 3, 4])
      }
    }
  }

  @Test func aTakeThatLosesLeavesTheElementForOthers() throws {
    try virtually {
      try withNursery { _ in
        let numbers = Mailbox<Int>()
        expectThrows(TimeoutError.self) { try numbers.takeOp { $0 == 2 }.orTimeout(after: .seconds(1)).perform() }
        try numbers.putOp(2).perform()
        expectEqual(try Op.biased([.always(0), numbers.takeOp { $0 == 2 }]).perform(), 0)
        // The server replies while a later guard waits; then another branch wins.
        let slow = Op<Int>.guarded {
          try sleep(for: .seconds(1))
          return .never
        }
        expectEqual(try Op.biased([.always(0), numbers.takeOp { $0 == 2 }, slow]).perform(), 0)
        #expect(try numbers.takeOp { $0 == 2 }.poll() == nil)
        expectEqual(try numbers.takeOp { $0 == 2 }.orTimeout(after: .seconds(60)).perform(), 2)
      }
    }
  }

  @Test func aClientThatHasGoneIsForgotten() throws {
    try virtually {
      let census = Census()
      let numbers = Mailbox<Int>()
      for number in 1...3 {
        let member = census.make(number)
        let take = numbers.takeOp { $0 == member.number }
        expectThrows(TimeoutError.self) { try take.orTimeout(after: .seconds(1)).perform() }
      }
      waitUntilAllParked()
      #expect(census.count == 0)
    }
  }

  @Test func aPlainThreadTakesFromAMailbox() throws {
    try runFibers {
      let numbers = Mailbox<Int>()
      let isOver = Condition()
      let thread = PlainThread { () -> Int in
        defer { isOver.signal() }
        return try numbers.takeOp { $0 == 7 }.orTimeout(after: .seconds(60)).perform()
      }
      for number in 6...8 { try numbers.putOp(number).perform() }
      try isOver.wait()
      expectEqual(try thread.join(), 7)
    }
  }

  @Test func aCancelledClientLeavesTheMailboxUsableAndLosesNothing() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 150, preemptions: 1)) {
      let numbers = Mailbox<Int>()
      let taken = Log<Int>()
      goAsync("survivor") { taken.append(try numbers.takeOp { $0 > 0 }.perform()) }
      return (numbers: numbers, taken: taken)
    } body: { stage in
      try stage.numbers.putOp(1).perform()
      stage.taken.append(try stage.numbers.takeOp { $0 > 0 }.or(sleepOp(for: .seconds(1)).wrap { 0 }).perform())
    } check: { stage, isCompleted in
      for number in 2...3 { try stage.numbers.putOp(number).perform() }
      waitUntilAllParked()
      var rest: [Int] = []
      while let number = try? stage.numbers.takeOp(where: { _ in true }).orTimeout(after: .seconds(1)).perform() {
        rest.append(number)
      }
      let all = (stage.taken.entries + rest).filter { $0 > 0 }.sorted()
      try hold(all == [1, 2, 3] || (!isCompleted && all == [2, 3]), "\(all)")
    }
    #expect(calls >= 2)
  }

  @Test func aMailboxWhoseNurseryHasEndedFailsItsClients() throws {
    try virtually {
      try withNursery { nursery in
        let late = try withNursery { _ in
          let numbers = Mailbox<Int>()
          let take = SharedOp { numbers.takeOp { $0 > 0 }.orTimeout(after: .seconds(60)) }
          nursery.goAsync { expectThrows(ChannelClosedError.self) { try take.perform() } }
          waitUntilAllParked()
          return numbers
        }
        expectThrows(ChannelClosedError.self) { try late.takeOp { $0 > 0 }.perform() }
        expectThrows(ChannelClosedError.self) { try late.putOp(1).perform() }
      }
    }
  }

  // MARK: Replies

  // The thread sanitizer does not see the ordering that a Mutex establishes: with one, one thread only.
  @Test(arguments: isSanitized ? [1] : parallelisms)
  func aReplyIsTakenWhetherItComesBeforeOrAfterTheWait(workers: Int) throws {
    try virtually(workers) {
      let replies = Replies<String>()
      try withNursery { nursery in
        #expect(replies.deliver("early", 1))
        #expect(!replies.deliver("again", 1))
        expectEqual(try replies.receiveOp(1).perform(), "early")
        let waiter = nursery.goAsync { try replies.receiveOp(2).perform() }
        waitUntilAllParked()
        #expect(replies.deliver("late", 2))
        expectEqual(try waiter.wait(), "late")
      }
      expectEqual(replies.counts.stored + replies.counts.waiting, 0)
    }
  }

  @Test(.enabled(if: !isSanitized)) func plainThreadsReceiveAndDeliver() throws {
    let replies = Replies<Int>()
    let receivers = (1...4).map { number in
      PlainThread { try replies.receiveOp(number).orTimeout(after: .seconds(60)).perform() }
    }
    let sender = PlainThread { for number in 1...4 { replies.deliver(number * 10, number) } }
    try sender.join()
    for (index, receiver) in receivers.enumerated() { expectEqual(try receiver.join(), (index + 1) * 10) }
    expectEqual(replies.counts.stored + replies.counts.waiting, 0)
  }

  @Test func aReceiveThatLosesLeavesTheReplyAndNoWaiter() throws {
    try virtually {
      let replies = Replies<Int>()
      #expect(try replies.receiveOp(1).poll() == nil)
      try withNursery { nursery in
        let loser = nursery.goAsync { try? replies.receiveOp(1).orTimeout(after: .seconds(1)).perform() }
        let winner = nursery.goAsync {
          try sleep(for: .milliseconds(1))  // it comes second
          return try replies.receiveOp(1).perform()
        }
        expectEqual(try loser.wait(), .some(nil))
        replies.deliver(10, 1)
        expectEqual(try winner.wait(), 10)
      }
      replies.deliver(11, 1)
      expectEqual(try Op.biased([.always(0), replies.receiveOp(1)]).perform(), 0)
      expectEqual(replies.counts.stored, 1)
      expectEqual(replies.counts.waiting, 0)
      expectEqual(try replies.receiveOp(1).poll(), 11)
    }
  }

  @Test func aReplyThatComesBetweenThePollAndTheWaitIsTaken() throws {
    try virtually {
      let replies = Replies<Int>()
      let receive = Op.biased([replies.receiveOp(1), Op(base: Interloper(replies: replies))])
      expectEqual(try receive.orTimeout(after: .seconds(60)).perform(), 10)
      expectEqual(replies.counts.stored + replies.counts.waiting, 0)
    }
  }

  @Test func aCancelledReceiverTakesTheReplyOrLeavesIt() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 400, preemptions: 1)) {
      let replies = Replies<Int>()
      let taken = Counter()
      goAsync("deliverer") { replies.deliver(10, 1) }
      goAsync("survivor") {
        let reply = try? replies.receiveOp(1).orTimeout(after: .seconds(1)).perform()
        if reply != nil { taken.add() }
      }
      return (replies: replies, taken: taken)
    } body: { stage in
      let reply = try stage.replies.receiveOp(1).or(sleepOp(for: .milliseconds(500)).wrap { 0 }).perform()
      if reply > 0 { stage.taken.add() }
    } check: { stage, _ in
      try sleep(for: .seconds(2))
      let (stored, waiting) = stage.replies.counts
      try hold(stored + stage.taken.value == 1, "\(stored) stored, \(stage.taken.value) taken")
      try hold(waiting == 0, "a waiter is left")
    }
    #expect(calls >= 1)
  }

  @Test func aReplyWhoseDeinitUsesTheRepliesEndsOutsideTheLock() throws {
    try virtually {
      let replies = Replies<Farewell>()
      replies.deliver(Farewell(replies), 1)
      replies.dropStored()
      replies.deliver(Farewell(replies), 2)
      _ = try replies.receiveOp(2).perform()
      #expect(replies.deliver(Farewell(replies), 3))
      #expect(!replies.deliver(Farewell(replies), 3))
      replies.dropStored()
    }
  }
}

/// Delivers a reply when it is polled, and is never ready itself.
private struct Interloper: BaseOperation {
  let replies: Replies<Int>

  func poll() -> Int? {
    replies.deliver(10, 1)
    return nil
  }

  func enlist(_ waiter: Waiter<Int>) {}
  func withdraw(_ waiter: Waiter<Int>) {}
}

private final class Farewell: Sendable {
  private let replies: Replies<Farewell>

  init(_ replies: Replies<Farewell>) {
    self.replies = replies
  }

  deinit { _ = replies.counts }
}
