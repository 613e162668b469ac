import Testing

@testable import Nursery

/// What `blocking { }` promises to its callers.
@Suite struct BlockingTests {
  /// A pool of the test's own, so that others do not count; its threads end soon.
  private func pool(_ limit: Int) -> BlockingPool { BlockingPool(limit: limit, idleTime: .milliseconds(20)) }

  @Test(arguments: parallelisms) func otherFibersRunMeanwhile(parallelism: Int) throws {
    let value = try runFibers(Configuration(parallelism: parallelism)) {
      try withNursery { nursery in
        let gate = Condition()
        nursery.goAsync { gate.signal() }
        return try blocking {
          try gate.wait()
          return 7
        }
      }
    }
    #expect(value == 7)
  }

  @Test func errorsPassThrough() throws {
    try virtually {
      expectThrows(Oops(3)) { try blocking { throw Oops(3) } }
      expectThrows(Oops(4)) { try blockingOp { throw Oops(4) }.perform() }
    }
  }

  @Test func aPlainThreadSleepsMeanwhile() throws {
    #expect(try blocking { 7 } == 7)
    #expect(try PlainThread { try blockingOp { 8 }.perform() }.join() == 8)
  }

  @Test func valuesOfAnySizePass() throws {
    try virtually {
      expectEqual(try blocking { (0..<1000).map { "\($0)" } }.last, "999")
      let wide = try blocking { (1, 2.0, "three", [4], 5, 6, 7, 8, 9, 10, 11, 12) }
      expectEqual(wide.2, "three")
      expectEqual(wide.11, 12)
      try blocking {}
    }
  }

  @Test func eachPerformRunsTheBodyAnew() throws {
    let runs = Counter()
    let operation = blockingOp { runs.add() }
    try virtually {
      expectEqual(try operation.perform(), 1)
      expectEqual(try operation.perform(), 2)
      expectEqual(try operation.poll() == nil, true)
    }
    #expect(runs.value == 2)
  }

  @Test func aChoiceThatIsReadyRunsNothing() throws {
    let runs = Counter()
    try virtually {
      for _ in 0..<50 { try choose(blockingOp { runs.add() }, Op.always(())) }
    }
    #expect(runs.value == 0)
  }

  @Test func aBranchThatIsTriedAgainDoesNotBeginACallAnew() throws {
    let runs = Counter()
    try virtually {
      try withNursery { nursery in
        let readiness = Readiness("nothing")
        let gate = Condition()
        let call = nursery.goAsync {
          try choose(
            blockingOp {
              try gate.wait()
              return runs.add()
            }, readiness.whenReadyOp { nil })
        }
        for _ in 0..<100 {
          readiness.signal()
          Fiber.yield()
        }
        gate.signal()
        expectEqual(try call.wait(), 1)
      }
    }
    #expect(runs.value == 1)
  }

  @Test func whatItCapturesIsLetGoBeforeItReturns() throws {
    final class Resource: Sendable {}
    for _ in 0..<200 {
      weak var seen: Resource?
      try virtually {
        let resource = Resource()
        seen = resource
        try blocking { withExtendedLifetime(resource) {} }
        try blockingOp { withExtendedLifetime(resource) {} }.perform()
      }
      #expect(seen == nil)
    }
  }

  @Test func valuesAreMovedToTheCaller() throws {
    final class Value {}
    try virtually {
      for _ in 0..<200 {
        var value = try blocking { Value() }
        expectEqual(isKnownUniquelyReferenced(&value), true)
        value = try blockingOp { Value() }.perform()
        expectEqual(isKnownUniquelyReferenced(&value), true)
      }
    }
  }

  // MARK: Cancellation

  @Test func aCallCancelledBeforeItsTurnNeverRuns() throws {
    let pool = pool(1)
    let runs = Counter()
    try virtually {
      try withNursery { nursery in
        let gate = Condition()
        let first = nursery.goAsync { try pool.outcomeOp { try gate.wait() }.perform().get() }
        waitUntilRunning(pool, 1)
        let second = nursery.goAsync { try pool.outcomeOp { runs.add() }.perform().get() }
        let third = nursery.goAsync { try pool.callOp { runs.add() }.perform() }
        waitUntilAllParked()
        expectEqual(pool.statistics.queued, 2)
        second.cancel()
        third.cancel()
        expectThrows(CancellationError.self) { try second.wait() }
        expectThrows(CancellationError.self) { try third.wait() }
        expectEqual(pool.statistics.queued, 0)
        gate.signal()
        try first.wait()
        try pool.outcomeOp {}.perform().get()
      }
    }
    #expect(runs.value == 0)
    #expect(pool.statistics.abandoned == 0)
  }

  @Test func aCallInACancelledScopeNeverRuns() throws {
    let runs = Counter()
    try virtually {
      let end: Void? = try withCancelScope { scope in
        scope.cancel()
        try blocking { runs.add() }
      }
      expectEqual(end == nil, true)
    }
    #expect(runs.value == 0)
  }

  @Test func aCallCancelledWhileItRunsIsAbandoned() throws {
    final class Resource: Sendable {}
    let pool = pool(2)
    let gate = Condition()
    let ended = Condition()
    weak var seen: Resource?
    try virtually {
      let resource = Resource()
      seen = resource
      let body: @Sendable () throws -> [Resource] = {
        try gate.wait()
        ended.signal()
        return [resource]
      }
      try withNursery { nursery in
        let call = nursery.goAsync { _ = try pool.outcomeOp(body).perform().get() }
        waitUntilRunning(pool, 1)
        call.cancel()
        expectThrows(CancellationError.self) { try call.wait() }
      }
      expectEqual(pool.statistics.running, 1)
    }
    #expect(seen != nil)
    gate.signal()
    try ended.wait()
    expectSoon { seen == nil && pool.statistics.running == 0 }
    #expect(pool.statistics.abandoned == 1)
    #expect(pool.statistics.completed == 0)
  }

  @Test func aTimeoutAbandonsAsWell() throws {
    let gate = Condition()
    try runFibers {
      expectThrows(TimeoutError.self) { try withTimeout(.milliseconds(1)) { try blocking { try gate.wait() } } }
      expectThrows(TimeoutError.self) {
        try blockingOp { try gate.wait() }.orTimeout(after: .milliseconds(1)).perform()
      }
    }
    gate.signal()
  }

  @Test func aCallThatCommitsAtItsStartIsAlwaysWaitedFor() throws {
    let pool = pool(1)
    try virtually {
      try withNursery { nursery in
        let gate = Condition()
        let call = nursery.goAsync {
          try pool.committedOutcomeOp {
            try gate.wait()
            return 7
          }.perform().get()
        }
        waitUntilRunning(pool, 1)
        let waiting = nursery.goAsync { try pool.committedOutcomeOp { fatalError("it ran") }.perform().get() }
        waitUntilAllParked()
        call.cancel()
        waiting.cancel()
        expectThrows(CancellationError.self) { try waiting.wait() }
        expectEqual(call.isFinished, false)
        gate.signal()
        expectEqual(try call.wait(), 7)
      }
    }
  }

  // MARK: Time

  @Test(arguments: parallelisms) func virtualTimeStandsStill(parallelism: Int) throws {
    try virtually(parallelism) {
      try withNursery { nursery in
        let gate = Condition()
        let begun = Condition()
        let passed = Counter()
        nursery.goAsync {
          try sleep(for: .seconds(1))
          passed.add()
        }
        let thread = PlainThread {
          try begun.wait()
          for _ in 0..<1000 { Performer.yield() }
          gate.signal()
        }
        let seen = try blocking {
          begun.signal()
          try gate.wait()
          return passed.value
        }
        expectEqual(seen, 0)
        try thread.join()
      }
    }
  }
}

/// Waits until the pool runs so many jobs.
func waitUntilRunning(_ pool: BlockingPool, _ count: Int) {
  while pool.statistics.running != count { Fiber.yield() }
}
