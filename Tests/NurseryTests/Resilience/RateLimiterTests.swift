import Nursery
import Testing

@Suite struct RateLimiterTests {
  @Test func aBurstPassesAtOnceAndTheRestAtTheRate() throws {
    try virtually {
      let start = FiberClock.now
      let limiter = RateLimiter(1, per: .seconds(2), burst: 3)
      let times = try (0..<6).map { _ in
        try limiter.acquire()
        return (FiberClock.now - start).components.seconds
      }
      #expect(times == [0, 0, 0, 2, 4, 6])
      // After a long pause the bucket is full again, and not fuller.
      try sleep(for: .seconds(100))
      #expect((0..<5).map { _ in limiter.tryAcquire() } == [true, true, true, false, false])
    }
  }

  @Test func fibersAreAdmittedInTheOrderTheyCame() throws {
    try virtually {
      let start = FiberClock.now
      let limiter = RateLimiter(1, per: .seconds(1))
      let admitted = Log<String>()
      try withNursery { nursery in
        for number in 0..<4 {
          nursery.goAsync {
            try limiter.acquire()
            admitted.append("\(number) at \((FiberClock.now - start).components.seconds)")
          }
          Fiber.yield()
        }
      }
      #expect(admitted.entries == ["0 at 0", "1 at 1", "2 at 2", "3 at 3"])
    }
  }

  @Test func aCallOfSeveralPermitsWaitsForAllOfThem() throws {
    try virtually {
      let start = FiberClock.now
      let limiter = RateLimiter(1, per: .seconds(1), burst: 5)
      try limiter.acquire(5)
      try limiter.acquire(4)
      #expect(FiberClock.now - start == .seconds(4))
      #expect(!limiter.tryAcquire(1))
      try sleep(for: .seconds(2))
      #expect(limiter.tryAcquire(2))
    }
  }

  @Test func severalLimitsHoldAtOnce() throws {
    try virtually {
      let start = FiberClock.now
      let limiter = RateLimiter([.init(2, per: .seconds(1)), .init(4, per: .seconds(60))])
      #expect(limiter.largestWeight == 2)
      let times = try (0..<6).map { _ in
        try limiter.acquire()
        return (FiberClock.now - start).components.seconds
      }
      // Two at once, then one each half second; from the fifth on one each fifteen.
      #expect(times == [0, 0, 0, 1, 15, 30])
    }
  }

  @Test func aCallThatGoesGivesItsPermitsBack() throws {
    try virtually {
      let limiter = RateLimiter(1, per: .seconds(10), burst: 2)
      try limiter.acquire(2)
      // Lost in a choice, timed out, cancelled, polled.
      try choose(limiter.acquireOp(2), sleepOp(for: .seconds(1)))
      expectThrows(TimeoutError.self) { try limiter.acquireOp().orTimeout(after: .seconds(1)).perform() }
      try expectEqual(withTimeoutOrNil(.seconds(1)) { try limiter.acquire() } == nil, true)
      try expectEqual(limiter.acquireOp().poll() == nil, true)
      try sleep(for: .seconds(7))
      // Ten seconds have passed: one permit.
      #expect(limiter.tryAcquire())
      #expect(!limiter.tryAcquire())
    }
  }

  @Test func aRateThatNanosecondsDoNotDivideDoesNotDrift() throws {
    try virtually {
      let start = FiberClock.now
      let limiter = RateLimiter(3, per: .seconds(1), burst: 1)
      for _ in 0...3000 { try limiter.acquire() }
      #expect((FiberClock.now - start) / 1000 >= .nanoseconds(999_999_999) / 1000)
      #expect(FiberClock.now - start < .seconds(1000) + .microseconds(1))
    }
  }

  @Test func keysHaveTheirOwnLimitersUpToABound() throws {
    try virtually {
      let limiters = KeyedRateLimiter<Int>(maximumKeys: 10, [.init(1, per: .seconds(1))])
      for key in 0..<10 { #expect(limiters[key].tryAcquire()) }
      #expect(!limiters[3].tryAcquire())
      // None is idle: the one that was used least recently goes.
      #expect(limiters[10].tryAcquire())
      #expect(limiters.count == 10)
      #expect(!limiters[3].tryAcquire())
      #expect(limiters[0].tryAcquire())
      try sleep(for: .seconds(2))
      // All are idle, and go.
      #expect(limiters[11].tryAcquire())
      #expect(limiters.count < 10)
    }
  }

  @Test func whatCanNeverBeAdmittedTraps() async {
    await #expect(processExitsWith: .failure) { _ = RateLimiter(0, per: .seconds(1)) }
    await #expect(processExitsWith: .failure) { _ = RateLimiter(1, per: .zero) }
    await #expect(processExitsWith: .failure) { _ = RateLimiter(2, per: .seconds(1)).tryAcquire(3) }
    await #expect(processExitsWith: .failure) { _ = RateLimiter([]) }
  }
}
