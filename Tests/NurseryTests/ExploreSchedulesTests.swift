import Nursery
import Testing

private struct Wrong: Error, Equatable {}

@Suite struct ExploreSchedulesTests {
  @Test func aRendezvousIsExhausted() throws {
    let report = try exploreSchedules {
      let channel = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync { try channel.send(1) }
        let receiver = nursery.goAsync { try channel.receive() }
        guard try receiver.wait() == 1 else { throw Wrong() }
      }
    }
    #expect(report.isExhausted)
    #expect(report.schedules > 10)
  }

  @Test func everyInterleavingIsVisitedOnce() throws {
    var orders: Set<[Int]> = []
    let report = try exploreSchedules {
      let channel = Channel<Int>(.bounded(6))
      try withNursery { nursery in
        for number in 0..<2 {
          nursery.goAsync { for _ in 0..<3 { try channel.send(number) } }
        }
      }
      orders.insert((0..<6).compactMap { _ in channel.tryReceive() })
    }
    #expect(report.isExhausted)
    #expect(report.schedules == 70, "four stretches of one fiber among four of the other")
    #expect(orders.count == 20, "three sends of one fiber among three of the other")
  }

  @Test func twoChoicesOverTwoChannelsInOppositeOrdersAreExhausted() throws {
    var outcomes: Set<[Int]> = []
    let report = try exploreSchedules {
      let first = Channel<Int>()
      let second = Channel<Int>()
      try withNursery { nursery in
        let left = nursery.goAsync { try choose(first.sendOp(1).wrap { 0 }, second.receiveOp()) }
        let right = nursery.goAsync { try choose(second.sendOp(2).wrap { 0 }, first.receiveOp()) }
        let outcome = try [left.wait(), right.wait()]
        guard outcome == [0, 1] || outcome == [2, 0] else { throw Wrong() }
        outcomes.insert(outcome)
      }
    }
    #expect(report.isExhausted)
    #expect(outcomes == [[0, 1], [2, 0]])
  }

  @Test func aBodyThatDependsOnTheOrderIsFoundOutAndItsReplayReproducesIt() throws {
    func body() throws {
      let channel = Channel<Int>(.bounded(2))
      var order: [Int] = []
      try withNursery { nursery in
        nursery.goAsync { try channel.send(1) }
        nursery.goAsync { try channel.send(2) }
        order = try [channel.receive(), channel.receive()]
      }
      if order != [1, 2] { throw Wrong() }
    }
    let failure = try #require(throws: ExplorationFailure.self) { try exploreSchedules { try body() } }
    #expect(failure.error is Wrong)
    #expect(failure.passed > 0)
    let again = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.replay(failure.replay)) { try body() }
    }
    #expect(again.error is Wrong)
    #expect(again.replay == failure.replay)
    try exploreSchedules(.replay("")) { try body() }
  }

  @Test func aDeadlockIsAFailureThatListsTheWaits() throws {
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules {
        let left = Channel<Int>()
        let right = Channel<Int>()
        try withNursery("stuck") { nursery in
          nursery.goAsync("first") {
            _ = try left.receive()
            try right.send(1)
          }
          nursery.goAsync("second") {
            _ = try choose(right.receiveOp(), .never)
            try left.send(1)
          }
        }
      }
    }
    let deadlock = try #require(failure.error as? DeadlockError)
    #expect(Set(deadlock.fibers.map(\.nurseryPath)) == ["stuck"])
    let text = deadlock.description
    #expect(text.contains("fiber \"first\" in stuck: receive from a Channel<Int>"))
    #expect(text.contains("fiber \"second\" in stuck: "))
    #expect(text.contains("nothing that ever happens"))
    #expect(text.contains("its children"))
  }

  @Test func aTickerDoesNotHideADeadlockFromTimersThatEnd() throws {
    let report = try exploreSchedules {
      try withNursery { nursery in
        let ticker = nursery.goAsync { while true { try sleep(for: .seconds(1)) } }
        try sleep(for: .seconds(10))
        ticker.cancel()
      }
    }
    #expect(report.isExhausted)
  }

  @Test func aBodyThatRemembersEarlierRunsIsNondeterministic() throws {
    var runs = 0
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules {
        runs += 1
        let children = runs > 3 ? 1 : 3
        try withNursery { nursery in
          for _ in 0..<children { nursery.goAsync { Fiber.yield() } }
        }
      }
    }
    #expect(failure.error as? ExplorationError == .nondeterministic)
  }

  @Test func aBodyThatSpinsIsFoundOut() throws {
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(maximumDecisions: 200) {
        try withNursery { nursery in
          nursery.goAsync { while !Fiber.isCancelled { Fiber.yield() } }
          while !Fiber.isCancelled { Fiber.yield() }
        }
      }
    }
    #expect(failure.error as? ExplorationError == .tooLong(decisions: 200))
  }

  @Test func aBodyThatGoesOnWhenCancelledIsEnded() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { _ = try exploreSchedules(maximumDecisions: 10) { while true { Fiber.yield() } } }
    }
    #expect(standardError(result).contains("must ask Fiber.isCancelled"))
  }

  @Test func timersThatExpireTogetherRunInEitherOrder() throws {
    var orders: Set<[Int]> = []
    let report = try exploreSchedules(.exhaustive(limit: 1000, preemptions: 0)) {
      let asleep = Channel<Int>(.bounded(2))
      let awake = Channel<Int>(.bounded(2))
      try withNursery { nursery in
        for number in 0..<2 {
          nursery.goAsync {
            _ = try asleep.trySend(number)
            try sleep(for: .seconds(1))
            _ = try awake.trySend(number)
          }
        }
        let order = try [awake.receive(), awake.receive()]
        if asleep.tryReceive() == 0 { orders.insert(order) }
      }
    }
    #expect(report.isExhausted)
    #expect(orders == [[0, 1], [1, 0]])
  }

  @Test func waitUntilAllParkedIsNoChoiceOfItsOwn() throws {
    let report = try exploreSchedules {
      let channel = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync { try channel.send(1) }
        nursery.goAsync { try channel.send(2) }
        waitUntilAllParked()
        guard let first = channel.tryReceive(), let second = channel.tryReceive(), first + second == 3 else {
          throw Wrong()
        }
      }
    }
    #expect(report.isExhausted)
    #expect(report.schedules < 20)
  }

  @Test func nestedNurseriesTimersShieldsAndLoopsAreExplored() throws {
    var endings: Set<String> = []
    let report = try exploreSchedules(.exhaustive(limit: 100_000, preemptions: 0)) {
      let numbers = Channel<Int>(.bounded(1))
      let sums = Channel<Int>(.bounded(2))
      var ending = ""
      try withNursery("outer") { outer in
        outer.goAsync("producer") {
          try withNursery("inner") { inner in
            inner.goAsync { for number in 1...2 { try numbers.send(number) } }
            inner.goAsync { try sleep(for: .seconds(2)) }
          }
          numbers.close()
        }
        outer.goAsync("consumer") {
          var sum = 0
          for number in numbers { sum += number }
          try withShield { try sums.send(sum) }
        }
        outer.goAsync("interrupter") {
          try sleep(for: .seconds(2))
          outer.cancel()
        }
        let sum = try? withTimeoutOrNil(.seconds(3)) { try sums.receive() }
        ending = sum.map { "\($0)" } ?? "cancelled"
      }
      endings.insert(ending)
      if let rest = sums.tryReceive() {
        guard rest == 3, ending == "cancelled" else { throw Wrong() }
      } else {
        guard ending == "3" else { throw Wrong() }
      }
    }
    #expect(report.isExhausted)
    #expect(endings == ["3", "cancelled"])
  }

  @Test func aReplayStringIsShortAlthoughTheScheduleIsLong() throws {
    let failure = try #require(
      expectThrows(ExplorationFailure.self) {
        try exploreSchedules(.replay("1*100.0*7.1.1.0")) {
          for _ in 0..<110 { _ = try choose(Op.always(0), Op.always(1)) }
          throw Oops()
        }
      })
    #expect(failure.replay == "1*100.0*7.1.1")
  }

  @Test(arguments: ["x", "1..x", "1*", "1*0", "-1", "1*2*3"]) func aReplayStringThatNamesNoScheduleIsAnError(
    text: String
  ) {
    let error = expectThrows(ExplorationError.self) { try exploreSchedules(.replay(text)) {} }
    #expect(error == .unreadableReplay(text))
  }
}
