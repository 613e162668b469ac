import Testing

@testable import Nursery

/// How the threads of a pool start, are shared, and end.
@Suite struct BlockingPoolTests {
  private func pool(_ limit: Int) -> BlockingPool { BlockingPool(limit: limit, idleTime: .milliseconds(20)) }

  @Test(arguments: parallelisms) func noMoreThanTheLimitRunAtATime(parallelism: Int) throws {
    let pool = pool(3)
    let now = Guarded((running: 0, most: 0))
    try runFibers(Configuration(parallelism: parallelism)) {
      try withNursery { nursery in
        for _ in 0..<200 {
          nursery.goAsync {
            try pool.call {
              now.withLock {
                $0.running += 1
                $0.most = max($0.most, $0.running)
              }
              letOthersRun()
              now.withLock { $0.running -= 1 }
            }
          }
        }
      }
    }
    #expect((1...3).contains(now.withLock { $0.most }))
    #expect(pool.statistics.completed == 200)
    #expect(pool.statistics.threads <= 3)
  }

  @Test func asManyRunAsMay() throws {
    let pool = pool(3)
    let gate = Condition()
    try virtually {
      try withNursery { nursery in
        for _ in 0..<5 { nursery.goAsync { try pool.call { try gate.wait() } } }
        waitUntilRunning(pool, 3)
        expectEqual(pool.statistics.queued, 2)
        pool.limit = 4
        waitUntilRunning(pool, 4)
        expectEqual(pool.statistics.queued, 1)
        gate.signal()
      }
    }
  }

  /// The pool's only thread runs a scheduler with a fiber that waits for this pool.
  @Test func fibersInsideACallMayWaitForItsPool() throws {
    let pool = pool(1)
    let value = try pool.call {
      try runFibers { try withNursery { try $0.goAsync { try pool.call { 1 } }.wait() } }
    }
    #expect(value == 1)
  }

  @Test func callsWaitInTheOrderTheyCame() throws {
    let pool = pool(1)
    let order = Log<Int>()
    try virtually {
      try withNursery { nursery in
        let gate = Condition()
        nursery.goAsync { try pool.call { try gate.wait() } }
        waitUntilRunning(pool, 1)
        var calls: [Fiber<Void>] = []
        for number in 0..<50 {
          calls.append(nursery.goAsync { try pool.call { order.append(number) } })
          waitUntilAllParked()
        }
        for number in [0, 20, 49] { calls[number].cancel() }
        waitUntilAllParked()
        gate.signal()
      }
    }
    #expect(order.entries == (0..<50).filter { ![0, 20, 49].contains($0) })
  }

  @Test func aCallInsideACallDoesNotWaitForItself() throws {
    let pool = pool(1)
    let depth = try virtually {
      try pool.call { try pool.callOp { try pool.call { 3 } }.perform() }
    }
    #expect(depth == 3)
    expectSoon { pool.statistics.threads <= 1 }
  }

  @Test func oneCallAtATimeNeedsOneThread() throws {
    let pool = BlockingPool(limit: 8)
    try virtually {
      for _ in 0..<100 {
        try pool.call {}
        try pool.callOp {}.perform()
        expectEqual(pool.statistics.threads, 1)
      }
    }
    #expect(pool.statistics.completed == 200)
  }

  @Test func threadsEndWhenTheyHaveBeenIdle() throws {
    let pool = pool(4)
    for round in 1...3 {
      try virtually {
        try withNursery { nursery in
          for _ in 0..<8 { nursery.goAsync { try pool.call {} } }
        }
      }
      #expect(pool.statistics.completed == 8 * round)
      while pool.statistics.threads > 0 { letOthersRun() }
    }
    #expect(pool.statistics.idle == 0)
  }

  @Test func jobsWithoutAWaiterRun() throws {
    let pool = pool(2)
    let runs = Counter()
    try virtually {
      for _ in 0..<100 {
        pool.start {
          runs.add()
        } completion: { _ in
        }
      }
    }
    expectSoon { runs.value == 100 }
  }

  @Test(arguments: parallelisms) func thousandsOfCallsFromManyFibers(parallelism: Int) throws {
    let pool = pool(8)
    let sum = Counter()
    try runFibers(Configuration(parallelism: parallelism)) {
      try withNursery { nursery in
        for fiber in 0..<100 {
          nursery.goAsync {
            for number in 0..<50 {
              let answer = try pool.call { fiber * 50 + number }
              sum.add(answer)
            }
          }
        }
      }
    }
    #expect(sum.value == (0..<5000).reduce(0, +))
    #expect(pool.statistics.completed == 5000)
    expectSoon { pool.statistics.running == 0 && pool.statistics.queued == 0 }
  }

  @Test(arguments: parallelisms) func callsAreAbandonedAtEveryMoment(parallelism: Int) throws {
    let pool = pool(2)
    let begun = Counter()
    try runFibers(Configuration(parallelism: parallelism)) {
      try withNursery { nursery in
        for number in 0..<1000 {
          let isWhole = number % 2 == 0
          let call = nursery.goAsync {
            if isWhole { return try pool.call { begun.add() } }
            return try choose(pool.callOp { begun.add() }, Op.never)
          }
          for _ in 0..<number % 7 { Fiber.yield() }
          call.cancel()
        }
      }
    }
    expectSoon {
      let now = pool.statistics
      return now.running == 0 && now.queued == 0 && now.completed + now.abandoned == begun.value
    }
  }

  @Test func schedulersMayComeAndGo() throws {
    let pool = pool(2)
    for number in 0..<200 {
      let answer = try runFibers(Configuration(parallelism: 1 + number % 2)) {
        try withNursery { nursery in
          nursery.goAsync {
            try pool.callOp { letOthersRun() }.orTimeout(after: .zero).recover { _ in }.perform()
          }
          return try pool.call { number }
        }
      }
      #expect(answer == number)
    }
  }
}
