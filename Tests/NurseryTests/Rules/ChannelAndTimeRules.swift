import Nursery
import Testing

/// The rules of channels, time and deadlock, each under every schedule of a small script.
struct ChannelAndTimeRules {
  @Test func afterACloseBufferedElementsStillArriveThenReceiveThrowsAndLoopsEnd() throws {
    try underEverySchedule {
      let numbers = Channel<Int>(.bounded(2))
      let sent = Log<Int>()
      let received = Log<Int>()
      try withNursery { nursery in
        nursery.goAsync {
          for number in 1...3 {
            do { try numbers.send(number) } catch is ChannelClosedError { return }
            sent.append(number)
          }
        }
        nursery.goAsync { numbers.close() }
        for number in numbers { received.append(number) }
      }
      try holdThrows(ChannelClosedError.self) { try numbers.receive() }
      try holdThrows(ChannelClosedError.self) { try numbers.send(4) }
      try hold(sent.entries == received.entries, "\(sent.entries) sent, \(received.entries) received")
    }
  }

  @Test func aCloseReachesSendersPresentAndFuture() throws {
    try underEverySchedule {
      let numbers = Channel<Int>()
      let closed = Counter()
      try withNursery { nursery in
        for number in 1...2 {
          nursery.goAsync { do { try numbers.send(number) } catch is ChannelClosedError { closed.add() } }
        }
        numbers.close()
      }
      try hold(closed.value == 2, "\(closed.value)")
    }
  }

  @Test func waitersAreServedInTheOrderTheyCame() throws {
    try underEverySchedule {
      let numbers = Channel<Int>()
      let log = Log<String>()
      try withNursery { nursery in
        for name in ["a", "b"] {
          nursery.goAsync { log.append("\(name)\(try numbers.receive())") }
          waitUntilAllParked()
        }
        for number in 1...2 { try numbers.send(number) }
      }
      try hold(log.entries.sorted() == ["a1", "b2"], "\(log.entries)")
    }
  }

  @Test func elementsOfOneSenderArriveInTheirOrder() throws {
    try underEverySchedule {
      let numbers = Channel<Int>(.bounded(1))
      let log = Log<Int>()
      try withNursery { nursery in
        nursery.goAsync { for number in 1...2 { try numbers.send(number) } }
        nursery.goAsync { try numbers.send(10) }
        for _ in 0..<3 { log.append(try numbers.receive()) }
      }
      try hold(log.entries.filter { $0 < 10 } == [1, 2], "\(log.entries)")
    }
  }

  @Test func nothingFiresEarly() throws {
    try underEverySchedule {
      let start = FiberClock.now
      try withNursery { nursery in
        for seconds in [2, 1] {
          nursery.goAsync {
            try sleep(for: .seconds(seconds))
            try hold(FiberClock.now - start == .seconds(seconds), "\(FiberClock.now - start)")
          }
        }
      }
    }
  }

  @Test func equalDeadlinesFireInCreationOrder() throws {
    try underEverySchedule {
      let first = try Op.biased([
        sleepOp(for: .seconds(1)).wrap { 1 }, sleepOp(for: .seconds(1)).wrap { 2 },
      ]).perform()
      try hold(first == 1, "\(first)")
      // The outer scope's deadline was made first, so it is what ends the body.
      let ended = try withTimeoutOrNil(.seconds(1)) {
        try withTimeoutOrNil(.seconds(1)) { try Op<Int>.never.perform() } ?? 0
      }
      try hold(ended == nil, "the inner one fired first")
    }
  }

  @Test func zeroAndNegativeAreReadyNowAfterTheOtherBranchesHaveBeenPolled() throws {
    try underEverySchedule {
      for time in [Duration.zero, .seconds(-1)] {
        let timeout = timeoutOp(after: time).wrap { "timeout" }
        try hold(timeout.or(Op.always("ready")).perform() == "ready", "the timeout was first")
        try hold(timeout.or(.never).perform() == "timeout", "not ready")
        try hold(timeout.poll() == "timeout", "not ready for a poll")
      }
    }
  }

  @Test func aDeadlockIsThrownAtTheRootAndNamesEveryWait() throws {
    var found = 0
    for seed in 0..<20 {
      do {
        try runFibers(.deterministic(seed: UInt64(seed))) {
          let numbers = Channel<Int>()
          let words = Channel<String>()
          try withNursery("outer") { nursery in
            nursery.goAsync("reader") { _ = try numbers.receive() }
            nursery.goAsync("chooser") {
              try choose(words.receiveOp().wrap { _ in }, numbers.receiveOp().wrap { _ in })
            }
          }
        }
      } catch let error as DeadlockError {
        found += 1
        #expect(error.fibers.count == 3)
        let text = error.description
        #expect(text.contains("fiber \"reader\" in outer: receive"))
        #expect(text.contains("fiber \"chooser\" in outer: "))
        #expect(text.contains("String"))
      }
    }
    #expect(found == 20)
  }

  @Test func whileATimerIsSetThereIsNoDeadlock() throws {
    try underEverySchedule {
      let numbers = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync {
          try sleep(for: .seconds(1000))
          try numbers.send(1)
        }
        _ = try numbers.receive()
      }
    }
  }
}
