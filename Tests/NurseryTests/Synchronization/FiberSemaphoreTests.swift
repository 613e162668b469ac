import Nursery
import Testing

struct FiberSemaphoreTests {
  @Test(arguments: parallelisms) func noMoreThanTheLimitAreInUseAndEveryPermitComesBack(workers: Int) throws {
    let semaphore = FiberSemaphore(3)
    let inside = Counter()
    let tooMany = Counter()
    try virtually(workers) {
      try withNursery { nursery in
        for number in 0..<50 {
          nursery.goAsync {
            let count = 1 + number % 3
            for _ in 0..<5 {
              try semaphore.withPermits(count) {
                if inside.add(count) > 3 { tooMany.add() }
                try sleep(for: .milliseconds(number % 3))
                inside.add(-count)
              }
            }
          }
        }
      }
    }
    #expect(tooMany.value == 0)
    #expect(semaphore.freeCount == 3)
    #expect(semaphore.waitingCount == 0)
  }

  @Test func requestsAreGrantedInTheOrderTheyCame() throws {
    let order = Log<Int>()
    try virtually {
      let semaphore = FiberSemaphore(2)
      let first = try semaphore.acquire(2)
      try withNursery { nursery in
        for number in 0..<6 {
          nursery.goAsync { try semaphore.withPermits(1 + number % 2) { order.append(number) } }
          waitUntilAllParked()
        }
        first.release()
      }
    }
    #expect(order.entries == [0, 1, 2, 3, 4, 5])
  }

  @Test func aNewcomerNeverOvertakesAWaiter() throws {
    try virtually {
      let semaphore = FiberSemaphore(3)
      let first = try semaphore.acquire(2)
      try withNursery { nursery in
        let large = nursery.goAsync { _ = try semaphore.acquire(2) }
        waitUntilAllParked()
        expectEqual(semaphore.freeCount, 1)
        try #expect(semaphore.acquireOp().poll() == nil, "one permit is free, but it is the waiter's")
        try #expect(semaphore.availableOp().poll() == nil)
        first.release()
        try large.wait()
      }
      try #expect(semaphore.acquireOp().poll() != nil)
    }
  }

  @Test func aRequestTakesAllItsPermitsOrNone() throws {
    try virtually {
      let semaphore = FiberSemaphore(2)
      let first = try semaphore.acquire()
      expectThrows(TimeoutError.self) {
        _ = try semaphore.acquireOp(2).orTimeout(after: .seconds(1)).perform()
      }
      expectEqual(semaphore.freeCount, 1)
      first.release()
      expectEqual(semaphore.freeCount, 2)
    }
  }

  enum Leaving: CaseIterable { case cancelled, timedOut, lost }

  @Test(arguments: Leaving.allCases, parallelisms)
  func whenALargeRequestLeavesTheSmallOnesBehindItAreGranted(leaving: Leaving, workers: Int) throws {
    try virtually(workers) {
      let semaphore = FiberSemaphore(3)
      let first = try semaphore.acquire(2)
      let isLost = Condition()
      try withNursery { nursery in
        let large = nursery.goAsync {
          let wait = semaphore.acquireOp(3).wrap { _ in }
          switch leaving {
          case .cancelled: try wait.perform()
          case .timedOut: try? wait.orTimeout(after: .seconds(1)).perform()
          case .lost: try choose(wait, isLost.waitOp())
          }
        }
        waitUntilAllParked()
        let small = nursery.goAsync { _ = try semaphore.acquire() }
        let watcher = nursery.goAsync { try semaphore.availableOp().perform() }
        waitUntilAllParked()
        #expect(!small.isFinished)
        #expect(!watcher.isFinished)
        switch leaving {
        case .cancelled: large.cancel()
        case .timedOut: try sleep(for: .seconds(2))
        case .lost: isLost.signal()
        }
        try small.wait()
        try watcher.wait()
      }
      expectEqual(semaphore.freeCount, 1)
      first.release()
    }
  }

  @Test func watchersTakeNothingAndHoldUpNoRequest() throws {
    try virtually {
      let semaphore = FiberSemaphore(2)
      let first = try semaphore.acquire(2)
      try withNursery { nursery in
        let both = nursery.goAsync { try semaphore.availableOp(2).perform() }
        let one = nursery.goAsync { try semaphore.availableOp(1).perform() }
        waitUntilAllParked()
        expectEqual(semaphore.waitingCount, 0)
        first.release()
        try both.wait()
        try one.wait()
        expectEqual(semaphore.freeCount, 2)
      }
    }
  }

  @Test func theBranchesOfOneChoiceDoNotWaitForEachOther() throws {
    try virtually {
      let semaphore = FiberSemaphore(3)
      let first = try semaphore.acquire(3)
      let one = try withNursery { nursery in
        let chooser = nursery.goAsync { try choose(semaphore.acquireOp(3), semaphore.acquireOp(1)).count }
        waitUntilAllParked()
        let second = nursery.goAsync { _ = try semaphore.acquire(1) }
        waitUntilAllParked()
        first.release()
        try second.wait()
        return try chooser.wait()
      }
      #expect([1, 3].contains(one))
      expectEqual(semaphore.freeCount, 3)
      expectEqual(semaphore.waitingCount, 0)
    }
  }

  @Test func aPermitMayBePassedToAChildAndIsReleasedByItsEnd() throws {
    try virtually {
      let semaphore = FiberSemaphore(2)
      try withNursery { nursery in
        for _ in 0..<6 {
          let permit = try semaphore.acquire()
          nursery.goAsync {
            try withExtendedLifetime(permit) { try sleep(for: .seconds(1)) }
          }
        }
        expectEqual(semaphore.freeCount, 0)
      }
      expectEqual(semaphore.freeCount, 2)
    }
  }

  @Test func fibersAndPlainThreadsShareASemaphore() throws {
    let semaphore = FiberSemaphore(2)
    let inside = Counter()
    let tooMany = Counter()
    let work: @Sendable () throws -> Void = {
      for _ in 0..<200 {
        try semaphore.withPermits {
          if inside.add() > 2 { tooMany.add() }
          Fiber.yield()
          inside.add(-1)
        }
      }
    }
    let threads = (0..<3).map { _ in PlainThread(work) }
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        for _ in 0..<8 { nursery.goAsync(placement: .spread) { try work() } }
      }
    }
    for thread in threads { try thread.join() }
    #expect(tooMany.value == 0)
    #expect(semaphore.freeCount == 2)
  }

  @Test func aReportTellsHowManyPermitsAreFree() throws {
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let semaphore = FiberSemaphore(3)
        let permit = try semaphore.acquire(2)
        defer { permit.release() }
        try semaphore.withPermits(2) {}
      }
    }
    #expect(error.map { "\($0)" }?.contains("a FiberSemaphore, 1 of 3 permits free") == true)
  }

  @Test func aLimitThatIsNotPositiveTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = FiberSemaphore(0)
    }
    #expect(standardError(result).contains("write a limit of at least 1"))
  }

  @Test func aCountOfNoPermitsTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { try FiberSemaphore(2).withPermits(-1) {} }
    }
    #expect(standardError(result).contains("ask for at least 1"))
  }

  @Test func aCountAboveTheLimitTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = FiberSemaphore(2).acquireOp(3)
    }
    #expect(standardError(result).contains("write FiberSemaphore(3)"))
  }

  @Test func releasingAPermitTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let permit = try synchronously { try FiberSemaphore(2).acquire() }
      permit.release()
      permit.release()
    }
    #expect(standardError(result).contains("release a Permit once"))
  }

  @Test func aWatcherIsNotHeldUpByAWaiterOfItsOwnChoice() throws {
    try virtually {
      let semaphore = FiberSemaphore(2)
      let permits = [try semaphore.acquire(), try semaphore.acquire()]
      try withNursery { nursery in
        let fiber = nursery.goAsync {
          try choose(semaphore.acquireOp(2).wrap { _ in 2 }, semaphore.availableOp(1).wrap { 1 })
        }
        waitUntilAllParked()
        let other = nursery.goAsync { try semaphore.availableOp(2).perform() }
        waitUntilAllParked()
        permits[0].release()
        expectEqual(try fiber.wait(), 1)
        #expect(!other.isFinished)
        permits[1].release()
        try other.wait()
      }
    }
  }
}
