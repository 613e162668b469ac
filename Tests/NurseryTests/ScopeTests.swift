import Nursery
import Testing

/// Cancel scopes and shields.
struct ScopeTests {
  @Test(arguments: parallelisms) func aScopesOwnCancellationMakesItReturnNil(workers: Int) throws {
    try virtually(workers) {
      let value = try withCancelScope { scope in
        goAsync {
          try sleep(for: .seconds(1))
          scope.cancel("tired")
        }
        try sleep(for: .seconds(10))
        return 1
      }
      #expect(value == nil)
      try expectEqual(withCancelScope { _ in 2 }, 2)
      try sleep(for: .zero)
    }
  }

  @Test func aBodyThatStillProducesAValueReturnsIt() throws {
    try virtually {
      let value = try withCancelScope { scope in
        scope.cancel()
        #expect(scope.isCancelled)
        return 3
      }
      #expect(value == 3)
      expectThrows(Oops(1)) {
        try withCancelScope { scope in
          scope.cancel()
          throw Oops(1)
        }
      }
    }
  }

  @Test func aScopeAbsorbsOnlyItsOwnCancellation() throws {
    let log = Log<String>()
    try virtually {
      let outer: Void? = try withCancelScope { outer in
        let inner: Void? = try withCancelScope { _ in
          outer.cancel()
          try sleep(for: .seconds(1))
        }
        log.append("inner \(inner == nil)")
      }
      log.append("outer \(outer == nil)")
    }
    #expect(log.entries == ["outer true"])
  }

  @Test func whenBothAreCancelledTheOuterOneEnds() throws {
    let log = Log<String>()
    try virtually {
      let outer: Void? = try withCancelScope { outer in
        let inner: Void? = try withCancelScope { inner in
          inner.cancel()
          outer.cancel()
          try sleep(for: .seconds(1))
        }
        log.append("inner \(inner == nil)")
      }
      log.append("outer \(outer == nil)")
    }
    #expect(log.entries == ["outer true"])
  }

  @Test func cancellingAClosedScopeDoesNothing() throws {
    try virtually {
      var kept: CancelScope?
      try withCancelScope { kept = $0 }
      kept?.cancel()
      try sleep(for: .zero)
      #expect(!Fiber.isCancelled)
    }
  }

  @Test(arguments: parallelisms) func aShieldHidesOuterCancellation(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let fiber = goAsync {
        try withShield {
          #expect(!Fiber.isCancelled)
          try sleep(for: .seconds(5))
          log.append("finished")
        }
        log.append("cancelled: \(Fiber.isCancelled)")
        try sleep(for: .zero)
        log.append("unreachable")
      }
      try sleep(for: .seconds(1))
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
    #expect(log.entries == ["finished", "cancelled: true"])
  }

  @Test func aShieldOpenedInACancelledScopeLetsWorkBeDone() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      try withCancelScope { scope in
        scope.cancel()
        expectThrows(CancellationError.self) { try channel.send(1) }
        try withShield {
          try channel.send(2)
          try withNursery { nursery in
            #expect(!nursery.isCancelled)
            try nursery.goAsync { try sleep(for: .seconds(1)) }.wait()
          }
        }
        expectThrows(CancellationError.self) { try channel.send(3) }
      }
      #expect(channel.tryReceive() == 2)
    }
  }

  @Test func aDeadlineInsideAShieldStillApplies() throws {
    try virtually {
      let start = FiberClock.now
      expectThrows(TimeoutError.self) {
        try withShield { try withTimeout(.seconds(3)) { try Op<Void>.never.perform() } }
      }
      #expect(start.duration(to: FiberClock.now) == .seconds(3))
    }
  }

  @Test(arguments: parallelisms) func shieldedWorkCanLearnOfTheCancellation(workers: Int) throws {
    try virtually(workers) {
      let fiber = goAsync {
        try withShield {
          try choose(cancellationOp().wrap { "cancelled" }, timeoutOp(after: .seconds(60)).wrap { "not" })
        }
      }
      try sleep(for: .seconds(1))
      fiber.cancel()
      try #expect(fiber.result().get() == "cancelled")
    }
  }

  @Test(arguments: parallelisms) func aNurserysCancellationReachesShieldedWorkAsAnOperation(workers: Int) throws {
    let seen = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        nursery.goAsync {
          try withShield {
            seen.append(
              try choose(cancellationOp().wrap { "cancelled" }, timeoutOp(after: .seconds(60)).wrap { "not" }))
          }
        }
        try sleep(for: .seconds(1))
        nursery.cancel()
      }
    }
    #expect(seen.entries == ["cancelled"])
  }

  @Test func scopesWorkOnAPlainThread() throws {
    try #expect(withTimeoutOrNil(.milliseconds(1)) { try Op<Int>.never.perform() } == nil)
    try #expect(withTimeoutOrNil(.seconds(60)) { try Op.always(1).perform() } == 1)
    expectThrows(TimeoutError.self) { try withTimeout(.milliseconds(1)) { try Channel<Int>().receive() } }
    let cancelled: Int? = try withCancelScope { scope in
      let thread = PlainThread { scope.cancel() }
      defer { _ = try? thread.join() }
      return try Op<Int>.never.perform()
    }
    #expect(cancelled == nil)
    try sleep(for: .zero)
  }
}
