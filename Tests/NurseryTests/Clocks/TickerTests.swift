import Nursery
import Testing

@Suite struct TickerTests {
  private func times(_ missed: Ticker.Missed, _ work: [Duration]) throws -> [(at: Int64, skipped: Int)] {
    var seen: [(at: Int64, skipped: Int)] = []
    try virtually {
      let start = FiberClock.now
      let ticker = Ticker(every: .seconds(10), missed: missed)
      for pause in work {
        let tick = try ticker.wait()
        seen.append((at: (FiberClock.now - start).components.seconds, skipped: tick.skipped))
        try sleep(for: pause)
      }
    }
    return seen
  }

  @Test func ticksKeepTheGridHoweverLongTheWorkTakes() throws {
    let seen = try times(.skip, [.seconds(3), .seconds(9), .seconds(1), .zero])
    #expect(seen.map(\.at) == [10, 20, 30, 40])
    #expect(seen.allSatisfy { $0.skipped == 0 })
  }

  @Test func missedTicksAreCountedAndLeftOut() throws {
    let seen = try times(.skip, [.seconds(35), .zero, .zero])
    // At 45 the tick of 40 is taken, and those of 20 and 30 are left out.
    #expect(seen.map(\.at) == [10, 45, 50])
    #expect(seen.map(\.skipped) == [0, 2, 0])
  }

  @Test func missedTicksFollowAtOnceInABurst() throws {
    let seen = try times(.burst, [.seconds(35), .zero, .zero, .zero, .zero])
    #expect(seen.map(\.at) == [10, 45, 45, 45, 50])
    #expect(seen.allSatisfy { $0.skipped == 0 })
  }

  @Test func aLateTickBeginsTheGridAnew() throws {
    try expectEqual(times(.delay, [.seconds(35), .zero, .zero]).map(\.at), [10, 45, 55])
  }

  @Test func aTickThatLosesIsNotLost() throws {
    try virtually {
      let ticker = Ticker(every: .seconds(10))
      try expectEqual(choose(ticker.tickOp().wrap { _ in 1 }, sleepOp(for: .seconds(9)).wrap { 2 }), 2)
      let tick = try ticker.wait()
      #expect(tick.skipped == 0)
      #expect(ticker.description == "the ticker of every \(Duration.seconds(10))")
      let cancelled = try withCancelScope { scope in
        scope.cancel()
        return try ticker.wait()
      }
      #expect(cancelled == nil)
      try expectEqual(ticker.wait().due - tick.due, .seconds(10))
    }
  }

  @Test func fibersThatWaitTogetherGetTheSameTick() throws {
    try virtually {
      let ticker = Ticker(every: .seconds(1))
      let dues = Log<FiberClock.Instant>()
      try withNursery { nursery in
        for _ in 0..<3 { nursery.goAsync { dues.append(try ticker.wait().due) } }
      }
      #expect(Set(dues.entries).count == 1)
      #expect(dues.entries.count == 3)
    }
  }

  /// golang/go#73062: a ticker that is not waited for must not keep a virtual clock running.
  @Test func aTickerAloneDoesNotDriveVirtualTime() throws {
    expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let ticker = Ticker(every: .seconds(1))
        try Op<Void>.never.perform()
        withExtendedLifetime(ticker) {}
      }
    }
  }

  @Test func aResetGridBeginsAPeriodFromThen() throws {
    try virtually {
      let start = FiberClock.now
      let ticker = Ticker(every: .seconds(10))
      try sleep(for: .seconds(7))
      ticker.reset()
      let iterator = ticker.makeIterator()
      #expect(iterator.next()?.due == start + .seconds(17))
    }
  }

  @Test func aPeriodOfZeroTraps() async {
    await #expect(processExitsWith: .failure) { _ = Ticker(every: .zero) }
  }
}
