import Nursery
import Testing

/// Something that cannot be copied.
private struct Token: ~Copyable {
  var uses = 0
}

private final class Keeper {
  var hold: FiberMutex<[Int]>.Hold?

  init(hold: FiberMutex<[Int]>.Hold) {
    self.hold = hold
  }
}

struct FiberMutexTests {
  @Test(arguments: parallelisms) func theLockIsHeldAcrossWaits(workers: Int) throws {
    let mutex = FiberMutex(0)
    try virtually(workers) {
      try withNursery { nursery in
        for _ in 0..<20 {
          nursery.goAsync {
            for _ in 0..<5 {
              try mutex.withLock { count in
                let before = count
                try sleep(for: .milliseconds(1))
                count = before + 1
              }
            }
          }
        }
      }
      expectEqual(try mutex.withLock { $0 }, 100)
    }
  }

  @Test func waitersOwnTheLockInTheOrderTheyCame() throws {
    let order = Log<Int>()
    try virtually {
      let mutex = FiberMutex(0)
      try withNursery { nursery in
        try mutex.withLock { _ in
          for number in 0..<5 {
            nursery.goAsync {
              if number % 2 == 0 {
                try mutex.withLock { _ in order.append(number) }
              } else {
                let hold = try mutex.lockOp().perform()
                order.append(number)
                hold.release()
              }
            }
            waitUntilAllParked()
          }
        }
      }
    }
    #expect(order.entries == [0, 1, 2, 3, 4])
  }

  @Test func aReleasedLockIsTheFirstWaitersAndNotTheReleasers() throws {
    let order = Log<String>()
    try virtually {
      let mutex = FiberMutex(0)
      try withNursery { nursery in
        nursery.goAsync {
          for _ in 0..<2 {
            try mutex.withLock { _ in
              order.append("first")
              waitUntilAllParked()
            }
          }
        }
        nursery.goAsync { try mutex.withLock { _ in order.append("second") } }
      }
    }
    #expect(order.entries == ["first", "second", "first"])
  }

  @Test func relockingByTheOwnerThrowsAndNamesBothLines() throws {
    try virtually {
      let mutex = FiberMutex(0)
      let first = #line + 1
      try mutex.withLock { _ in
        let error = expectThrows(RelockError.self) { try mutex.withLock { $0 } }
        expectEqual(error?.held.line, first)
        expectEqual(error?.again.line, first + 1)
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("FiberMutexTests.swift:\(first) is taken again"))
        #expect(text.contains("FiberMutexTests.swift:\(first + 1)"))
        #expect(text.contains("pass the state"))
        expectThrows(RelockError.self) { _ = try mutex.lockOp().perform() }
        expectThrows(RelockError.self) {
          try choose(Condition().waitOp(), mutex.lockOp().wrap { _ in })
        }
      }
      let hold = try mutex.lockOp().perform()
      expectThrows(RelockError.self) { try mutex.withLock { $0 } }
      hold.release()
      expectEqual(try mutex.withLock { $0 }, 0)
    }
  }

  @Test func aLaterFiberWithTheSameRecordIsNotTheOwner() throws {
    try virtually {
      let mutex = FiberMutex(0)
      for _ in 0..<10 {
        try withNursery { nursery in
          nursery.goAsync { try mutex.withLock { $0 += 1 } }
        }
      }
      expectEqual(try mutex.withLock { $0 }, 10)
    }
  }

  @Test func aChoiceOfTwoLocksOwnsOneAndTakesNothingOfTheOther() throws {
    try virtually {
      let left = FiberMutex("left")
      let right = FiberMutex("right")
      try withNursery { nursery in
        let end = Condition()
        nursery.goAsync { try left.withLock { _ in try end.wait() } }
        nursery.goAsync { try right.withLock { _ in try sleep(for: .seconds(1)) } }
        waitUntilAllParked()
        let hold = try choose(left.lockOp(), right.lockOp())
        expectEqual(hold.withState { $0 }, "right")
        hold.release()
        end.signal()
        waitUntilAllParked()
        expectEqual(try left.withLock { $0 }, "left")
        expectEqual(try right.withLock { $0 }, "right")
      }
    }
  }

  @Test func aCancelledOrTimedOutWaiterNeverOwnsAndACancelledOwnerReleases() throws {
    try virtually {
      let mutex = FiberMutex(0)
      try withNursery { nursery in
        let owner = nursery.goAsync { try mutex.withLock { _ in try sleep(for: .seconds(100)) } }
        waitUntilAllParked()
        let waiter = nursery.goAsync { try mutex.withLock { $0 += 1 } }
        waitUntilAllParked()
        waiter.cancel()
        expectThrows(TimeoutError.self) {
          _ = try mutex.lockOp().orTimeout(after: .seconds(1)).perform()
        }
        expectThrows(TimeoutError.self) {
          try withTimeout(.seconds(1)) { try mutex.withLock { $0 += 1 } }
        }
        owner.cancel()
        expectEqual(try mutex.withLock { $0 }, 0)
      }
    }
  }

  @Test func aBodyThatThrowsPoisonsOnlyIfAskedAndARepairEndsIt() throws {
    try virtually {
      let plain = FiberMutex(1)
      expectThrows(Oops.self) { try plain.withLock { _ in throw Oops() } }
      expectEqual(try plain.withLock { $0 }, 1)

      let mutex = FiberMutex(1, poisons: true)
      let line = #line + 2
      expectThrows(Oops(7)) {
        try mutex.withLock { state in
          state = 2; throw Oops(7)
        }
      }
      for _ in 0..<2 {
        let error = expectThrows(PoisonedLockError.self) { try mutex.withLock { $0 } }
        expectEqual(error?.site.line, line)
        expectEqual(error?.cause as? Oops, Oops(7))
        #expect(error.map { "\($0)" }?.contains("withLock(repairs: true)") == true)
        expectThrows(PoisonedLockError.self) { _ = try mutex.lockOp().perform() }
      }
      expectThrows(Oops(8)) { try mutex.withLock(repairs: true) { _ in throw Oops(8) } }
      expectThrows(PoisonedLockError.self) { try mutex.withLock { $0 } }
      try mutex.withLock(repairs: true) { $0 = 3 }
      expectEqual(try mutex.withLock { $0 }, 3)
    }
  }

  @Test func aHoldThatEndsWithoutAReleaseRepairsNothing() throws {
    try virtually {
      let mutex = FiberMutex(1, poisons: true)
      expectThrows(Oops.self) { try mutex.withLock { _ in throw Oops() } }
      _ = try mutex.lockOp(repairs: true).perform()
      expectThrows(PoisonedLockError.self) { try mutex.withLock { $0 } }
      try mutex.lockOp(repairs: true).perform().release()
      expectEqual(try mutex.withLock { $0 }, 1)
    }
  }

  @Test func aCancellationDoesNotPoison() throws {
    try virtually {
      let mutex = FiberMutex(1, poisons: true)
      try? withTimeout(.seconds(1)) { try mutex.withLock { _ in try sleep(for: .seconds(2)) } }
      expectThrows(NurseryCancelledError.self) {
        _ = try mutex.withLock { _ in
          try withNursery { nursery -> Int in
            nursery.cancel()
            try sleep(for: .seconds(1))
            return 1
          }
        }
      }
      expectEqual(try mutex.withLock { $0 }, 1)
    }
  }

  @Test func theStateMayBeNoncopyable() throws {
    try virtually {
      let mutex = FiberMutex(Token())
      try mutex.withLock { $0.uses += 1 }
      let hold = try mutex.lockOp().perform()
      hold.withState { $0.uses += 1 }
      hold.release()
      expectEqual(try mutex.withLock { $0.uses }, 2)
    }
  }

  @Test func aHoldThatGoesReleasesTheLock() throws {
    try virtually {
      let mutex = FiberMutex(1)
      for _ in 0..<3 { _ = try mutex.lockOp().perform() }
      try #expect(mutex.lockOp().poll() != nil)
      expectEqual(try mutex.withLock { $0 }, 1)
    }
  }

  @Test func fibersAndPlainThreadsShareALock() throws {
    let mutex = FiberMutex(0)
    let work: @Sendable () throws -> Void = {
      for _ in 0..<200 {
        try mutex.withLock { count in
          let before = count
          Fiber.yield()
          count = before + 1
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
    try #expect(mutex.withLock { $0 } == 11 * 200)
  }

  @Test func aReportNamesTheOwnerAndItsLine() throws {
    let line = #line + 5
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let mutex = FiberMutex(0)
        try withNursery { nursery in
          nursery.goAsync("cook") { try mutex.withLock { _ in try Condition().wait() } }
          waitUntilAllParked()
          try mutex.withLock { _ in }
        }
      }
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("a FiberMutex, held by fiber \"cook\" since NurseryTests/FiberMutexTests.swift:\(line)"))
  }

  @Test func aHoldIsOfNoUseToAnotherFiber() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let mutex = FiberMutex(0)
        let hold = Box(try mutex.lockOp().perform())
        try withNursery { nursery in nursery.goAsync { hold.value.release() } }
      }
    }
    #expect(standardError(result).contains("let the owner release it"))
  }

  @Test func releasingAHoldTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try FiberMutex(0).lockOp().perform()
        hold.release()
        hold.release()
      }
    }
    #expect(standardError(result).contains("has been released"))
  }

  @Test func usingAHoldInsideItsOwnUseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try FiberMutex([1]).lockOp().perform()
        hold.withState { outer in
          outer.withUnsafeMutableBufferPointer { memory in
            hold.withState { $0 = [] }
            memory[0] = 1
          }
        }
      }
    }
    #expect(standardError(result).contains("use the state that the closure gets"))
  }

  @Test func releasingAHoldInsideItsOwnUseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try FiberMutex([1]).lockOp().perform()
        hold.withState { state in
          hold.release()
          state.append(1)
        }
      }
    }
    #expect(standardError(result).contains("release the hold after it"))
  }

  @Test func aHoldMayBeUsedAgainAfterAUseThatThrew() throws {
    try virtually {
      let hold = try FiberMutex(1).lockOp().perform()
      expectThrows(Oops.self) { try hold.withState { _ in throw Oops() } }
      expectEqual(hold.withState { $0 }, 1)
      hold.release()
    }
  }

  @Test func aHoldWhoseLastReferenceGoesInsideItsUseEndsAfterIt() throws {
    try virtually {
      let mutex = FiberMutex([1])
      let keeper = Keeper(hold: try mutex.lockOp().perform())
      keeper.hold!.withState { state in
        keeper.hold = nil
        expectThrows(RelockError.self) { try mutex.withLock { _ in } }
        state.append(2)
      }
      expectEqual(try mutex.withLock { $0 }, [1, 2])
    }
  }

  @Test func aLaterThreadWithTheSameRecordIsNotTheOwner() throws {
    let mutex = FiberMutex(0)
    let hold = Guarded<Box<FiberMutex<Int>.Hold>?>(nil)
    try PlainThread {
      let taken = Box(try mutex.lockOp().perform())
      hold.withLock { $0 = taken }
    }.join()
    let error = try PlainThread { () -> (any Error)? in
      do { _ = try mutex.lockOp().orTimeout(after: .milliseconds(1)).perform() } catch { return error }
      return nil
    }.join()
    #expect(error is TimeoutError)
  }
}
