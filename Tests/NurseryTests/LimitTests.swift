import Nursery
import Testing

/// `withNursery(limit:)`: at most this many children run, the others wait for their turn.
struct LimitTests {
  @Test(arguments: parallelisms, [1, 3]) func noMoreChildrenRunThanTheLimit(workers: Int, limit: Int) throws {
    let running = Counter()
    let most = Guarded(0)
    try virtually(workers) {
      let values = try withNursery(limit: limit) { nursery in
        try waitAll(
          (0..<20).map { number in
            nursery.goAsync {
              let now = running.add()
              most.withLock { $0 = max($0, now) }
              try sleep(for: .seconds(1))
              running.add(-1)
              return number
            }
          })
      }
      #expect(values == Array(0..<20))
    }
    #expect(most.withLock { $0 } == limit)
  }

  @Test func theyBeginInTheOrderTheyWereSpawned() throws {
    let log = Log<Int>()
    try virtually {
      try withNursery(limit: 2) { nursery in
        for number in 0..<8 {
          nursery.goAsync {
            log.append(number)
            try sleep(for: .seconds(number % 3))
          }
        }
        #expect(nursery.childCount == 8)
      }
    }
    #expect(log.entries == Array(0..<8))
  }

  @Test(arguments: parallelisms) func aWaitingChildOfACancelledNurseryNeverRuns(workers: Int) throws {
    let ran = Counter()
    let census = Census()
    try virtually(workers) {
      try withNursery(limit: 1) { nursery in
        let children = (0..<1000).map { number in
          let member = census.make()
          return nursery.goAsync {
            _ = member
            ran.add()
            try sleep(for: .seconds(1))
          }
        }
        try withTimeoutOrNil(.milliseconds(1)) { try children[0].wait() }
        nursery.cancel()
        try withShield {
          for child in children.reversed() { expectThrows(CancellationError.self) { try child.wait() } }
        }
        #expect(census.count == 0)
      }
    }
    #expect(ran.value == 1)
  }

  @Test func aFailureEndsTheWaitingToo() throws {
    let ran = Counter()
    try virtually {
      expectThrows(Oops(1)) {
        try withNursery(limit: 2) { nursery in
          for number in 0..<10 {
            nursery.goAsync {
              ran.add()
              if number == 1 { throw Oops(1) }
              try sleep(for: .seconds(1))
            }
          }
        }
      }
    }
    #expect(ran.value == 2)
  }

  @Test func childrenMaySpawnSiblingsThatWait() throws {
    let log = Log<Int>()
    try virtually {
      try withNursery(limit: 1) { nursery in
        nursery.goAsync {
          log.append(1)
          nursery.goAsync { log.append(3) }
          log.append(2)
        }
      }
    }
    #expect(log.entries == [1, 2, 3])
  }

  @Test func aChildThatIsCancelledWhileItWaitsNeverRuns() throws {
    let ran = Counter()
    try virtually {
      try withNursery(limit: 1) { nursery in
        nursery.goAsync { try sleep(for: .seconds(1)) }
        let second = nursery.goAsync { ran.add() }
        second.cancel()
        expectThrows(CancellationError.self) { try second.wait() }
        try nursery.goAsync { _ = ran.add(10) }.wait()
      }
    }
    #expect(ran.value == 10)
  }

  @Test func aChildThatIsCancelledWhileItWaitsEndsAtOnceAndTakesNoTurn() throws {
    let log = Log<Int>()
    try virtually {
      let start = FiberClock.now
      try withNursery(limit: 1) { nursery in
        nursery.goAsync { try sleep(for: .seconds(100)) }
        let children = (0..<5).map { number in nursery.goAsync { log.append(number) } }
        try children[1].cancelAndWait()
        try children[4].cancelAndWait()
        children[0].cancel()
        children[0].cancel()
        #expect(FiberClock.now == start)
        expectThrows(TimeoutError.self) {
          try withTimeout(.seconds(1)) { try nursery.start { started in started() } }
        }
        #expect(FiberClock.now - start == .seconds(1))
        nursery.goAsync { log.append(5) }
      }
      #expect(FiberClock.now - start == .seconds(100))
    }
    #expect(log.entries == [2, 3, 5])
  }

  @Test func cancellingTheNurseryEndsTheWaitingChildrenAlthoughOneRunsOn() throws {
    try virtually {
      let start = FiberClock.now
      try withNursery(limit: 1) { nursery in
        nursery.goAsync { try withShield { try sleep(for: .seconds(100)) } }
        let waiting = nursery.goAsync {}
        try sleep(for: .seconds(1))
        nursery.cancel()
        try withShield { expectThrows(CancellationError.self) { try waiting.wait() } }
        #expect(FiberClock.now - start == .seconds(1))
        #expect(nursery.childCount == 1)
      }
    }
  }

  @Test func aDeadlockReportNamesTheChildrenThatWaitForTheirTurn() throws {
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        try withNursery("full", limit: 1) { nursery in
          nursery.goAsync("first") { try nursery.goAsync("second") {}.wait() }
        }
      }
    }
    #expect(error?.description.contains("fiber \"second\" in full: its turn (limit 1)") == true)
  }

  @Test func plainThreadsSpawnIntoALimitedNursery() throws {
    let ran = Counter()
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery(limit: 2) { nursery in
        let threads = (0..<3).map { _ in
          PlainThread { for _ in 0..<300 { nursery.goAsync { ran.add() } } }
        }
        for thread in threads { try thread.join() }
      }
    }
    #expect(ran.value == 900)
  }

  @Test func everyScheduleKeepsToTheLimit() throws {
    let report = try exploreSchedules(.exhaustive(limit: 20_000)) {
      let running = Counter()
      let ended = Counter()
      try withNursery(limit: 1) { nursery in
        for _ in 0..<3 {
          nursery.goAsync {
            guard running.add() == 1 else { throw Oops(1) }
            try sleep(for: .seconds(1))
            running.add(-1)
            ended.add()
          }
        }
      }
      guard ended.value == 3 else { throw Oops(2) }
    }
    #expect(report.isExhausted)
  }

  @Test func aLimitOfNothingTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { try withNursery(limit: 0) { _ in } }
    }
    #expect(standardError(result).contains("withNursery(limit: 0)"))
  }
}
