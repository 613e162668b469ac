import Nursery
import Testing

/// With any duration, a timed call neither traps nor waits without a timer.
struct FarDurationTests {
  /// 36 lengths of time, and as many below zero.
  private static let durations: [Duration] = {
    var lengths: [Int128] = [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001]
    for exponent in [1, 3, 6, 9, 12, 15, 17, 18] { lengths.append(pow10(9 + exponent)) }
    let nanosecond: Int128 = 1_000_000_000
    let second: Int128 = nanosecond * nanosecond
    lengths += [31, 32, 33, 53, 62].map { second << $0 }
    let most = Int128(Int64.max)
    lengths += [most - 2, most - 1, most, most + 1, most + 2].map { $0 * nanosecond }
    lengths += [(most - 1) * nanosecond + 1, most * nanosecond + 1, most / 2 * nanosecond]
    lengths += [
      most / 1_000_000_000 * second, (most / 1_000_000_000 + 1) * second, most / 1000 * second, most * second,
    ]
    lengths += [most * second + second - 1, (most + 1) * second, Int128.max / 2, Int128.max - 1, Int128.max]
    lengths.append(second * 86_400 * 365)
    var durations = lengths.map { Duration(attoseconds: $0) }
    durations += lengths.dropFirst().map { Duration(attoseconds: -$0) } + [Duration(attoseconds: .min)]
    return durations
  }()

  private static func pow10(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  /// Every call that takes a duration or an instant, set up so that only the time ends it.
  private static let calls: [(name: String, call: @Sendable (Duration) throws -> Void)] = [
    ("sleep(for:)", { try sleep(for: $0) }),
    ("sleep(until:)", { try sleep(until: FiberClock.now + $0) }),
    ("sleepOp(for:)", { _ = try sleepOp(for: $0).wrap { 1 }.or(.never).perform() }),
    ("sleepOp(until:)", { _ = try sleepOp(until: FiberClock.now + $0).wrap { 1 }.or(.never).perform() }),
    ("timeoutOp(after:)", { try choose(timeoutOp(after: $0), .never) }),
    ("orTimeout(after:)", { duration in try timesOut { try Op<Void>.never.orTimeout(after: duration).perform() } }),
    (
      "orTimeout in a choice",
      { duration in try timesOut { try choose(Op<Void>.never.orTimeout(after: duration), .never) } }
    ),
    ("withTimeout", { duration in try timesOut { try withTimeout(duration) { try Op<Void>.never.perform() } } }),
    (
      "withTimeoutOrNil",
      { duration in
        let value: Void? = try withTimeoutOrNil(duration) { try Op<Void>.never.perform() }
        expectEqual(value == nil, true)
      }
    ),
    (
      "withDeadline",
      { duration in try timesOut { try withDeadline(FiberClock.now + duration) { try Op<Void>.never.perform() } } }
    ),
    (
      "withCancelScope(deadline:)",
      { duration in
        let value: Void? = try withCancelScope(deadline: FiberClock.now + duration) { _ in try Op<Void>.never.perform()
        }
        expectEqual(value == nil, true)
      }
    ),
    (
      "scope.deadline",
      { duration in
        let value: Void? = try withCancelScope { scope in
          scope.deadline = FiberClock.now + duration
          try Op<Void>.never.perform()
        }
        expectEqual(value == nil, true)
      }
    ),
    (
      "drain(grace:)",
      { duration in
        try withNursery { nursery in
          nursery.goAsync { try Op<Void>.never.perform() }
          nursery.drain(grace: duration)
        }
      }
    ),
  ]

  private static func timesOut(_ call: () throws -> Void) throws {
    do {
      try call()
      Issue.record("the call has not timed out")
    } catch is TimeoutError {}
  }

  @Test func inVirtualTimeEveryTimedCallEndsAtItsInstantOrTheLastThereIs() throws {
    #expect(Self.durations.count == 72)
    for (name, call) in Self.calls {
      for duration in Self.durations {
        try runFibers(.deterministic(seed: 1)) {
          try sleep(for: .seconds(1))
          let start = FiberClock.now
          try call(duration)
          let expected = max(start, start + duration)
          #expect(FiberClock.now == expected, "\(name), \(duration)")
        }
      }
    }
  }

  @Test func onTheSystemClockAFarCallWaitsWithATimerAndCanBeCancelled() throws {
    let far = Self.durations.filter { $0 > .seconds(1_000_000) }
    for workers in parallelisms {
      try runFibers(Configuration(parallelism: workers)) {
        let cancelled = Counter()
        try withCancelScope { scope in
          try withNursery { nursery in
            for (_, call) in Self.calls {
              for duration in far {
                nursery.goAsync {
                  do { try call(duration) } catch is CancellationError { cancelled.add() }
                }
              }
            }
            waitUntilAllParked()
            expectEqual(Scheduler.current!.statistics.timers, Self.calls.count * far.count)
            scope.cancel()
          }
        }
        #expect(cancelled.value == Self.calls.count * far.count)
      }
    }
  }

  @Test func onTheSystemClockAnExpiredDurationReturnsAtOnce() throws {
    try runFibers(Configuration(parallelism: 1)) {
      for (_, call) in Self.calls {
        for duration in Self.durations where duration <= .zero { try call(duration) }
      }
    }
  }

  @Test func arithmeticWithInstantsSaturates() {
    let now = FiberClock.now
    for duration in Self.durations {
      let later = now + duration
      let earlier = now - duration
      #expect(duration > .zero ? later > now : later <= now)
      #expect(duration > .zero ? earlier <= now : earlier >= now)
      _ = (later - earlier, earlier - later, now.duration(to: later), later.advanced(by: duration))
    }
  }
}
