import Nursery
import Testing

@Suite struct ExploreCancellationsTests {
  /// Two children of the enclosing nursery and one of an inner one, each with its own call.
  private func threeChildren(_ ended: Log<String>) throws {
    func child(_ name: String) -> () throws -> Void {
      { [ended] in
        do {
          try sleep(for: .seconds(1))
          ended.append(name)
        } catch {
          ended.append("\(name) cancelled")
          throw error
        }
      }
    }
    let (first, second, third) = (Box(child("first")), Box(child("second")), Box(child("third")))
    goAsync { try first.value() }
    goAsync { try second.value() }
    try withNursery { nursery in nursery.goAsync { try third.value() } }
  }

  @Test func theCallsOfChildrenCountAndTheCancellationReachesThemAll() throws {
    var endings: [[String]] = []
    let calls = try exploreCancellations {
      Log<String>()
    } body: { ended in
      try threeChildren(ended)
    } check: { ended, _ in
      endings.append(ended.entries.sorted())
    }
    #expect(calls == 3)
    #expect(endings.count == 4)
    let all = ["first cancelled", "second cancelled", "third cancelled"]
    #expect(endings[..<3].allSatisfy { $0 == all })
    #expect(endings[3] == ["first", "second", "third"])
  }

  /// Loses the number when it is cancelled at its second call.
  private func movesANumber(_ channels: [Channel<Int>]) throws {
    let number = try channels[0].receive()
    try channels[1].send(number)
  }

  private func twoChannels() throws -> [Channel<Int>] {
    let channels = [Channel<Int>(.bounded(1)), Channel<Int>(.bounded(1))]
    _ = try channels[0].trySend(1)
    return channels
  }

  private func checkNothingLost(_ channels: [Channel<Int>]) throws {
    if channels[0].count + channels[1].count != 1 { throw Oops() }
  }

  @Test func aFailureSaysHowToRepeatOnlyThatCall() throws {
    var runs = 0
    func explore(_ call: Int? = nil) throws -> Int {
      runs = 0
      return try exploreCancellations(at: call) {
        runs += 1
        return try twoChannels()
      } body: {
        try movesANumber($0)
      } check: { channels, _ in
        try checkNothingLost(channels)
      }
    }
    let failure = try #require(throws: CancellationInjectionFailure.self) { try explore() }
    #expect(failure.call == 2)
    #expect(failure.wasCancelled)
    #expect(runs == 2)
    #expect(failure.description.contains("exploreCancellations(.replay(\"\"), at: 2)"))
    let again = try #require(throws: CancellationInjectionFailure.self) { try explore(2) }
    #expect(again.error is Oops)
    #expect(again.call == 2)
    #expect(runs == 1)
    try #expect(explore(1) == 1)
    #expect(runs == 1)
    try #expect(explore(3) == 2, "there is no third call")
  }

  @Test func aBodyThatFailsWithoutACancellationSaysSo() throws {
    let failure = try #require(throws: CancellationInjectionFailure.self) {
      try exploreCancellations {
      } body: {
        try sleep(for: .seconds(1))
        throw Oops()
      } check: { _, _ in
      }
    }
    #expect(!failure.wasCancelled)
    #expect(failure.call == 2)
    #expect(failure.description.contains("without a cancellation: there is no blocking call 2"))
  }

  @Test func errorsThatNoCallIsLeftToThrowAreHandedOver() throws {
    let suppressed = Log<String>()
    try exploreCancellations(onSuppressedError: { suppressed.append("\($0)") }) {
    } body: {
      let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
        do { try yielder.yield(1) } catch { throw Oops(1) }
      }
      _ = try coroutine.resume()
      try sleep(for: .seconds(1))
    } check: { _, _ in
    }
    // Once when the sleep was cancelled, and once without a cancellation.
    #expect(suppressed.entries == Array(repeating: "\(Oops(1))", count: 2))
  }

  @Test func aDeadlockAfterACancellationIsAFailure() throws {
    let failure = try #require(throws: CancellationInjectionFailure.self) {
      try exploreCancellations {
        Channel<Int>(.bounded(1))
      } body: {
        try $0.send(1)
      } check: { channel, _ in
        _ = try channel.receive()
      }
    }
    #expect(failure.error is DeadlockError)
    #expect(failure.call == 1)
  }

  @Test func aLeakAfterACancellationIsAFailure() throws {
    var kept: Fiber<Void>?
    let failure = try #require(throws: CancellationInjectionFailure.self) {
      try exploreCancellations {
      } body: {
        try withNursery { nursery in
          kept = nursery.goAsync("kept") { try sleep(for: .seconds(1)) }
          try sleep(for: .seconds(2))
          kept = nil
        }
      } check: { _, _ in
      }
    }
    #expect(failure.error as? ExplorationError == .leak(fibers: ["fiber \"kept\""], stacks: 0, timers: 0))
    #expect(kept?.isFinished == true)
  }

  /// Loses a number if it is cancelled at one call and another fiber has run before.
  private func explore(_ strategy: ExplorationStrategy, at call: Int? = nil) throws -> Int {
    try exploreCancellations(strategy, at: call) {
      try twoChannels()
    } body: { channels in
      try withNursery { nursery in
        nursery.goAsync { try channels[1].send(0) }
        try channels[0].receiveOp().wrap { _ in }.perform()
        let isFirst = channels[1].count == 0
        _ = try channels[isFirst ? 0 : 1].trySend(1)
        try sleep(for: .seconds(1))
        if !isFirst { _ = try channels[0].trySend(1) }
      }
    } check: { channels, _ in
      if channels[0].count == 0 { throw Oops() }
    }
  }

  @Test(arguments: [
    ExplorationStrategy.exhaustive(limit: 1000), .random(count: 50, seed: 1), .pct(count: 50, seed: 1),
  ]) func everyCallIsCancelledUnderManySchedules(strategy: ExplorationStrategy) throws {
    try #expect(explore(.replay("")) == 3, "one schedule shows nothing")
    let failure = try #require(throws: CancellationInjectionFailure.self) { try explore(strategy) }
    #expect(failure.error is Oops)
    let again = try #require(throws: CancellationInjectionFailure.self) {
      try explore(.replay(failure.replay), at: failure.call)
    }
    #expect(again.error is Oops)
    #expect(again.replay == failure.replay)
  }

  @Test func aBodyThatLosesNothingPassesUnderEverySchedule() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 10_000)) {
      try twoChannels()
    } body: { channels in
      try withNursery { nursery in
        nursery.goAsync { try channels[1].send(try channels[0].receive()) }
        try sleep(for: .seconds(1))
      }
    } check: { channels, isCompleted in
      if isCompleted { try checkNothingLost(channels) }
    }
    #expect(calls == 3)
  }
}
