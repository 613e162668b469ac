import Nursery
import Testing

/// Timeouts of scopes: which deadline fired, and what it interrupted.
struct TimeoutTests {
  @Test(arguments: parallelisms) func aTimeoutThrowsAfterItsTime(workers: Int) throws {
    try virtually(workers) {
      let start = FiberClock.now
      let error = expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(2)) { try sleep(for: .seconds(10)) }
      }
      #expect(error?.duration == .seconds(2))
      #expect(start.duration(to: FiberClock.now) == .seconds(2))
      try expectEqual(withTimeout(.seconds(2)) { 5 }, 5)
      let late: Void? = try withTimeoutOrNil(.seconds(1)) { try sleep(for: .seconds(2)) }
      #expect(late == nil)
      #expect(start.duration(to: FiberClock.now) == .seconds(3))
    }
  }

  @Test func aTimeoutReachesChildrenInNurseriesInside() throws {
    let ended = Counter()
    try virtually {
      expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) {
          try withNursery { nursery in
            for _ in 0..<3 {
              nursery.goAsync {
                defer { ended.add() }
                try Op<Void>.never.perform()
              }
            }
            try Op<Void>.never.perform()
          }
        }
      }
    }
    #expect(ended.value == 3)
  }

  @Test func ofNestedTimeoutsTheOneWhoseDeadlineFiredThrows() throws {
    try virtually {
      let inner = expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(10)) { try withTimeout(.seconds(1)) { try sleep(for: .seconds(100)) } }
      }
      #expect(inner?.duration == .seconds(1))
      let outer = expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) { try withTimeout(.seconds(10)) { try sleep(for: .seconds(100)) } }
      }
      #expect(outer?.duration == .seconds(1))
      let value = try withTimeout(.seconds(10)) {
        try withTimeoutOrNil(.seconds(1)) { try sleep(for: .seconds(100)) } == nil
      }
      #expect(value)
      let absorbed: Void?? = try withTimeoutOrNil(.seconds(1)) {
        try withTimeoutOrNil(.seconds(10)) { try sleep(for: .seconds(100)) }
      }
      #expect(absorbed == nil)
    }
  }

  @Test func equalDeadlinesEndTheOuterOne() throws {
    try virtually {
      let log = Log<String>()
      let outer: Void? = try withTimeoutOrNil(.seconds(1)) {
        let inner: Void? = try withTimeoutOrNil(.seconds(1)) { try sleep(for: .seconds(5)) }
        if inner == nil { log.append("inner") }
        try sleep(for: .zero)
        log.append("went on")
      }
      #expect(outer == nil)
      #expect(!log.entries.contains("went on"))
    }
  }

  @Test func anOuterCancellationStaysACancellationError() throws {
    try virtually {
      let fiber = goAsync { try withTimeout(.seconds(100)) { try Op<Int>.never.perform() } }
      try sleep(for: .seconds(1))
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
  }

  @Test func aBodyThatStillReturnsHasItsValueReturned() throws {
    try virtually {
      let value = try withTimeout(.seconds(1)) {
        try? sleep(for: .seconds(5))
        return 7
      }
      #expect(value == 7)
      try sleep(for: .zero)
    }
  }

  @Test func theBodysOwnErrorPasses() throws {
    try virtually {
      expectThrows(Oops(1)) { try withTimeout(.seconds(1)) { throw Oops(1) } }
      expectThrows(Oops(2)) {
        try withTimeout(.seconds(1)) {
          try? sleep(for: .seconds(5))
          throw Oops(2)
        }
      }
      expectThrows(CancellationError.self) { try withTimeout(.seconds(1)) { throw CancellationError() } }
    }
  }

  @Test func aCancelledFibersEndIsNotMistakenForTheDeadline() throws {
    try virtually {
      let fiber = goAsync { try Op<Int>.never.perform() }
      fiber.cancel()
      expectThrows(CancellationError.self) { try withTimeout(.seconds(1)) { try fiber.wait() } }
    }
  }

  @Test(arguments: [Duration.zero, .seconds(-1)]) func aDeadlineThatHasPassedCancelsAtOnce(duration: Duration) throws {
    try virtually {
      expectThrows(TimeoutError.self) { try withTimeout(duration) { try sleep(for: .zero) } }
      expectThrows(TimeoutError.self) {
        try withDeadline(FiberClock.now.advanced(by: duration)) { try sleep(for: .zero) }
      }
      try expectEqual(withTimeout(duration) { 1 }, 1)
    }
  }

  @Test func aDeadlineIsAnInstant() throws {
    try virtually {
      let start = FiberClock.now
      let error = expectThrows(TimeoutError.self) {
        try withDeadline(start.advanced(by: .seconds(4))) { try Op<Void>.never.perform() }
      }
      #expect(error?.duration == nil)
      #expect(start.duration(to: FiberClock.now) == .seconds(4))
    }
  }

  @Test(arguments: parallelisms) func aTimedOutCallHadNoEffect(workers: Int) throws {
    try virtually(workers) {
      let channel = Channel<Int>()
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try channel.send(1) } }
      #expect(channel.tryReceive() == nil)
      expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try channel.receive() } }
      try #expect(channel.trySend(2) == false)
      expectThrows(TimeoutError.self) { try channel.receiveOp().orTimeout(after: .seconds(1)).perform() }
      try #expect(channel.trySend(3) == false)
    }
  }

  @Test func orTimeoutTriesOnceWhenTheTimeIsZero() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      expectThrows(TimeoutError(after: .zero)) { try channel.receiveOp().orTimeout(after: .zero).perform() }
      try channel.send(4)
      try #expect(channel.receiveOp().orTimeout(after: .zero).perform() == 4)
      try expectEqual(channel.sendOp(5).wrap { 5 }.orTimeout(after: .seconds(-1)).perform(), 5)
    }
  }

  @Test func aTimeoutAroundANurseryOutsideAnySchedulerApplies() throws {
    expectThrows(TimeoutError.self) {
      try withTimeout(.milliseconds(5)) { try withNursery { _ in try Op<Void>.never.perform() } }
    }
    let value: Int? = try withCancelScope { scope in
      scope.cancel()
      return try withNursery { _ in try Op<Int>.never.perform() }
    }
    #expect(value == nil)
  }

  @Test func aComputationMeetsItsDeadline() throws {
    let clock = ContinuousClock()
    let isCancelled = try runFibers(Configuration(parallelism: 1)) {
      try withTimeoutOrNil(.milliseconds(1)) {
        let start = clock.now
        while !Fiber.isCancelled, clock.now - start < .milliseconds(50) {}
        return Fiber.isCancelled
      }
    }
    #expect(isCancelled == true)
  }
}
