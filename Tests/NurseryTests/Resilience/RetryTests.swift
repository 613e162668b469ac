import Nursery
import Testing

@Suite struct RetryTests {
  private func secondsTaken(_ body: () throws -> Void) rethrows -> Int64 {
    let start = FiberClock.now
    try body()
    return (FiberClock.now - start).components.seconds
  }

  @Test func attemptsCountTheFirstAndPausesGrow() throws {
    try virtually {
      var attempts: [Int] = []
      let schedule = RetrySchedule.exponential(from: .seconds(1), upTo: .seconds(5), attempts: 5, jitter: 0)
      let taken = secondsTaken {
        expectThrows(Oops.self) {
          try retry(schedule) { attempt in
            attempts.append(attempt)
            throw Oops(attempt)
          }
        }
      }
      #expect(attempts == [1, 2, 3, 4, 5])
      // 1 + 2 + 4 + 5
      #expect(taken == 12)
    }
  }

  @Test func theLastErrorIsThrownAsItIsAndItsTraceTellsOfTheOthers() throws {
    try virtually {
      do {
        try retry(.constant(.seconds(1), attempts: 3)) { throw Oops($0) }
        Issue.record("nothing was thrown")
      } catch {
        #expect((error as? Oops)?.number == 3)
        let trace = FailureTrace(of: error)?.description
        #expect(trace == "after attempt 1, which failed: \(Oops(1))\nafter attempt 2, which failed: \(Oops(2))")
      }
    }
  }

  @Test func aSuccessEndsIt() throws {
    try virtually {
      let value = try retry(.constant(.zero, attempts: .max)) { attempt in
        if attempt < 4 { throw Oops(attempt) }
        return attempt
      }
      #expect(value == 4)
    }
  }

  @Test func cancellationsAndHopelessErrorsAreNotRetried() throws {
    try virtually {
      for error in [CancellationError(), Oops(7)] as [any Error] {
        var attempts = 0
        #expect(throws: (any Error).self) {
          try retry(.constant(.zero, attempts: 9), if: { ($0 as? Oops)?.number != 7 }) { _ in
            attempts += 1
            throw error
          }
        }
        #expect(attempts == 1)
      }
    }
  }

  @Test func itGivesUpWhenTheNextAttemptWouldComeAfterADeadlineAround() throws {
    try virtually {
      let taken = try secondsTaken {
        try withTimeout(.seconds(10)) {
          let error = expectThrows(Oops.self) {
            try retry(.constant(.seconds(4), attempts: 9)) { throw Oops($0) }
          }
          // At 0, 4 and 8; the next would be at 12.
          #expect(error?.number == 3)
        }
      }
      #expect(taken == 8)
      try withTimeout(.seconds(1)) {
        try withShield {
          // A shield keeps the deadline outside from it.
          #expect(Fiber.deadline == nil)
          let value = try retry(.constant(.seconds(5), attempts: 2)) { if $0 == 1 { throw Oops(1) } else { 5 } }
          #expect(value == 5)
        }
      }
    }
  }

  @Test func aCancelledPauseThrowsTheCancellation() throws {
    try virtually {
      try withNursery { nursery in
        let child = nursery.goAsync { try retry(.constant(.seconds(5), attempts: 9)) { throw Oops($0) } }
        try sleep(for: .seconds(7))
        child.cancel()
        expectThrows(CancellationError.self) { try child.wait() }
      }
    }
  }

  @Test func chanceTakesAPartOfAPauseAndTheSeedDecidesIt() throws {
    func pauses(seed: UInt64) throws -> [Duration] {
      var pauses: [Duration] = []
      try virtually(seed: seed) {
        for _ in 0..<20 {
          let start = FiberClock.now
          try retry(.constant(.seconds(4), attempts: 2, jitter: 0.25)) { if $0 == 1 { throw Oops(1) } }
          pauses.append(FiberClock.now - start)
        }
      }
      return pauses
    }
    let first = try pauses(seed: 1)
    #expect(first.allSatisfy { $0 > .seconds(3) && $0 <= .seconds(4) })
    #expect(Set(first).count > 10)
    try expectEqual(pauses(seed: 1), first)
    try expectEqual(pauses(seed: 2) != first, true)
  }

  @Test func anExponentialPauseNeverOverflows() throws {
    try virtually {
      var last = FiberClock.now
      var longest = Duration.zero
      _ = try retry(.exponential(from: .seconds(1), factor: 1e6, upTo: .seconds(1_000_000), attempts: 40, jitter: 0)) {
        longest = max(longest, FiberClock.now - last)
        last = FiberClock.now
        if $0 < 40 { throw Oops($0) }
      }
      #expect(longest == .seconds(1_000_000))
    }
  }

  @Test func noAttemptsAtAllTrap() async {
    await #expect(processExitsWith: .failure) { _ = RetrySchedule.constant(.zero, attempts: 0) }
  }

  @Test func aSupervisedBodyRunsAgainUntilItFailsTooOften() throws {
    try virtually {
      var failures = 0
      var told = 0
      // Two restarts in ten seconds: a failure each four seconds is too often at the third restart.
      let error = expectThrows(Oops.self) {
        try supervised(restarts: 2, within: .seconds(10), onRestart: { _ in told += 1 }) {
          failures += 1
          try sleep(for: .seconds(4))
          throw Oops(failures)
        }
      }
      #expect(error?.number == 3)
      #expect(told == 2)
      // One each six seconds never has more than one other within ten.
      failures = 0
      let value = try supervised(restarts: 2, within: .seconds(10), pause: .seconds(2)) {
        failures += 1
        try sleep(for: .seconds(4))
        if failures < 10 { throw Oops(failures) }
        return failures
      }
      #expect(value == 10)
      expectThrows(CancellationError.self) {
        try supervised(restarts: 9, within: .seconds(1)) { throw CancellationError() }
      }
    }
  }
}
