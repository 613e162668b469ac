import NurseryCore
import Testing

/// Time, which is virtual here: a test that sleeps for a day takes no time.
struct TimerTests {
  private func elapsed(since start: FiberClock.Instant) -> Duration { start.duration(to: FiberClock.now) }

  @Test(arguments: parallelisms) func sleepingTakesExactlyItsTime(workers: Int) throws {
    try virtually(workers) {
      let start = FiberClock.now
      try sleep(for: .seconds(86_400))
      #expect(elapsed(since: start) == .seconds(86_400))
      try sleep(until: start.advanced(by: .seconds(86_401)))
      #expect(elapsed(since: start) == .seconds(86_401))
      try sleep(for: .nanoseconds(1))
      #expect(elapsed(since: start) == .seconds(86_401) + .nanoseconds(1))
    }
  }

  @Test func theClockStandsStillWhileAnyFiberCanRun() throws {
    try virtually {
      let start = FiberClock.now
      let other = spawn { try sleep(for: .milliseconds(1)) }
      for _ in 0..<1000 { Performer.yield() }
      #expect(elapsed(since: start) == .zero)
      try other.wait()
      #expect(elapsed(since: start) == .milliseconds(1))
    }
  }

  @Test func timersFireInTheOrderOfTheirDeadlines() throws {
    let order = Log<Int>()
    try virtually {
      let delays = (0..<200).map { ($0 * 7919) % 211 + 1 }
      let fibers = delays.map { delay in
        spawn {
          try sleep(for: .milliseconds(delay))
          order.append(delay)
        }
      }
      for fiber in fibers { try fiber.wait() }
    }
    #expect(order.entries == order.entries.sorted())
    #expect(order.entries.count == 200)
  }

  @Test func equalDeadlinesFireInTheOrderTheyWereMade() throws {
    let order = Log<Int>()
    try virtually {
      let deadline = FiberClock.now.advanced(by: .seconds(1))
      let fibers = (0..<100).map { number in
        spawn {
          if number % 2 == 0 { try sleep(until: deadline) } else { try sleep(for: .seconds(1)) }
          order.append(number)
        }
      }
      for fiber in fibers { try fiber.wait() }
    }
    #expect(order.entries == Array(0..<100))
  }

  @Test(arguments: parallelisms) func nothingFiresEarly(workers: Int) throws {
    try virtually(workers) {
      let fibers = (1...100).map { delay in
        spawn { () -> Bool in
          let start = FiberClock.now
          try sleep(for: .microseconds(delay * 13 % 97))
          return start.duration(to: FiberClock.now) >= .microseconds(delay * 13 % 97)
        }
      }
      for fiber in fibers { expectEqual(try fiber.wait(), true) }
    }
  }

  @Test(arguments: [Duration.zero, .nanoseconds(-1), .seconds(-10), .seconds(Int64.min / 2)])
  func zeroAndNegativeAreReadyAfterTheOthersHaveBeenTried(duration: Duration) throws {
    try virtually {
      let start = FiberClock.now
      try sleep(for: duration)
      try sleep(until: start.advanced(by: duration))
      for _ in 0..<20 {
        let ready = Op.biased([timeoutOp(after: duration).wrap { "time" }, Op.always("value")])
        try #expect(ready.perform() == "value")
        try #expect(ready.poll() == "value")
        try expectEqual(timeoutOp(after: duration).wrap { "time" }.or(.never).perform(), "time")
        try expectEqual(timeoutOp(after: duration).wrap { "time" }.or(.never).poll(), "time")
      }
      #expect(elapsed(since: start) == .zero)
    }
  }

  @Test func theFarFutureNeverComes() throws {
    try virtually {
      let start = FiberClock.now
      let never = timeoutOp(after: .seconds(Int64.max)).wrap { false }
      try expectEqual(never.or(timeoutOp(after: .seconds(1)).wrap { true }).perform(), true)
      #expect(elapsed(since: start) == .seconds(1))
    }
  }

  @Test func anAbsoluteDeadlineInThePastIsReady() throws {
    try virtually {
      let start = FiberClock.now
      try sleep(for: .seconds(5))
      try sleep(until: start)
      #expect(elapsed(since: start) == .seconds(5))
    }
  }

  @Test(arguments: parallelisms) func aRelativeTimerCountsFromThePerform(workers: Int) throws {
    try virtually(workers) {
      let pause = sleepOp(for: .seconds(1))
      let start = FiberClock.now
      try pause.perform()
      try pause.perform()
      #expect(elapsed(since: start) == .seconds(2))
    }
  }

  @Test(arguments: parallelisms) func aTimerThatLosesDoesNotDelayTheClock(workers: Int) throws {
    try virtually(workers) {
      let start = FiberClock.now
      let channel = Channel<Int>()
      for number in 0..<100 {
        spawn { try channel.send(number) }
        _ = try channel.receiveOp().wrap { Optional($0) }.or(timeoutOp(after: .seconds(3600)).wrap { nil }).perform()
      }
      try sleep(for: .seconds(1))
      #expect(elapsed(since: start) == .seconds(1))
    }
  }

  @Test(arguments: parallelisms) func theSystemClockIsNeverEarly(workers: Int) throws {
    try Scheduler.run(Configuration(parallelism: workers)) {
      let fibers = [1, 3, 7].map { delay in
        spawn { () -> Bool in
          let clock = ContinuousClock()
          let start = clock.now
          try sleep(for: .milliseconds(delay))
          return clock.now - start >= .milliseconds(delay)
        }
      }
      for fiber in fibers { expectEqual(try fiber.wait(), true) }
    }
  }

  @Test(arguments: [1, 2, 3], [Duration.milliseconds(1), .nanoseconds(1), .seconds(3)])
  func instantsAndDurationsAgree(factor: Int, step: Duration) {
    let start = FiberClock.now
    let later = start.advanced(by: step * factor)
    #expect(start.duration(to: later) == step * factor)
    #expect(start < later)
    #expect(later.advanced(by: step * -factor) == start)
  }
}
