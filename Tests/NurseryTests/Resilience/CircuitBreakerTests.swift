import Nursery
import Testing

@Suite struct CircuitBreakerTests {
  private func fail(_ breaker: CircuitBreaker, _ error: any Error = Oops(1)) {
    #expect(throws: (any Error).self) { try breaker.call { throw error } }
  }

  @Test func failuresInARowOpenItAndASuccessStartsTheCountAgain() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 2, coolDown: .seconds(10))
      fail(breaker)
      try breaker.call {}
      fail(breaker)
      #expect(breaker.state == .closed(failures: 1))
      fail(breaker)
      let error = expectThrows(CircuitOpenError.self) { try breaker.call { Issue.record("it was called") } }
      #expect(error?.retryAfter == .seconds(10))
      #expect(error?.description == "the circuit is open for another \(Duration.seconds(10))")
    }
  }

  @Test func aProbeClosesItOrOpensItAgain() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(10))
      fail(breaker)
      try sleep(for: .seconds(10))
      #expect(breaker.state == .halfOpen(probes: 0))
      fail(breaker)
      #expect(breaker.state == .open(until: FiberClock.now + .seconds(10)))
      try sleep(for: .seconds(10))
      try breaker.call {}
      #expect(breaker.state == .closed(failures: 0))
    }
  }

  @Test func onlySoManyProbesPassAtATime() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(10), probes: 2)
      fail(breaker)
      try sleep(for: .seconds(10))
      try withNursery { nursery in
        for _ in 0..<2 { nursery.goAsync { try breaker.call { try sleep(for: .seconds(1)) } } }
        Fiber.yield()
        #expect(breaker.state == .halfOpen(probes: 2))
        expectThrows(CircuitOpenError.self) { try breaker.call {} }
      }
      #expect(breaker.state == .closed(failures: 0))
    }
  }

  @Test func aCancelledProbeGivesItsPermitBackAndSaysNothing() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(10))
      fail(breaker)
      try sleep(for: .seconds(10))
      try expectEqual(withTimeoutOrNil(.seconds(1)) { try breaker.call { try sleep(for: .seconds(5)) } } == nil, true)
      #expect(breaker.state == .halfOpen(probes: 0))
      fail(breaker, CancellationError())
      #expect(breaker.state == .halfOpen(probes: 0))
    }
  }

  @Test func aCallOfAnEarlierStateDoesNotCount() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(10))
      try withNursery { nursery in
        nursery.goAsync { try breaker.call { try sleep(for: .seconds(2)) } }
        Fiber.yield()
        fail(breaker)
      }
      #expect(breaker.state == .open(until: FiberClock.now + .seconds(8)))
    }
  }

  @Test func anErrorMaySpeakForTheServer() throws {
    try virtually {
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(10))
      expectThrows(Oops.self) { try breaker.call(if: { _ in false }) { throw Oops(1) } }
      #expect(breaker.state == .closed(failures: 0))
    }
  }

  @Test func numbersThatWouldNeverCloseItTrap() async {
    await #expect(processExitsWith: .failure) { _ = CircuitBreaker(failures: 0, coolDown: .zero) }
    await #expect(processExitsWith: .failure) { _ = CircuitBreaker(failures: 1, coolDown: .zero, probes: 0) }
  }
}
