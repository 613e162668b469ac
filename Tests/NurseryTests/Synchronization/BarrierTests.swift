import Nursery
import Testing

struct BarrierTests {
  @Test(arguments: parallelisms) func noPartyGoesOnBeforeAllHaveComeRoundAfterRound(workers: Int) throws {
    let barrier = Barrier(4)
    let arrived = Counter()
    try virtually(workers) {
      try withNursery { nursery in
        for number in 0..<4 {
          nursery.goAsync {
            for round in 1...5 {
              try sleep(for: .milliseconds(number))
              arrived.add()
              try barrier.wait()
              #expect(arrived.value >= 4 * round)
            }
          }
        }
      }
    }
    #expect(arrived.value == 20)
    #expect(!barrier.isBroken)
  }

  @Test func aPlainThreadThatIsCancelledBreaksTheBarrier() throws {
    let barrier = Barrier(2)
    try withTimeoutOrNil(.milliseconds(1)) { try barrier.waitOp().perform() }
    #expect(barrier.isBroken)
  }

  enum Ending: CaseIterable { case cancelledWhileParked, cancelledBefore, deadline }

  @Test(arguments: Ending.allCases) func aCancelledPartyBreaksTheBarrierForAllUntilItIsReset(ending: Ending) throws {
    try virtually {
      let barrier = Barrier(3)
      try withNursery { nursery in
        let others = (0..<1).map { _ in
          nursery.goAsync { () -> Bool in
            do { try barrier.wait() } catch is BrokenBarrierError { return true }
            return false
          }
        }
        waitUntilAllParked()
        switch ending {
        case .cancelledWhileParked:
          let party = nursery.goAsync { try barrier.wait() }
          waitUntilAllParked()
          party.cancel()
        case .cancelledBefore:
          try withCancelScope { scope in
            scope.cancel()
            expectThrows(CancellationError.self) { try barrier.wait() }
          }
        case .deadline:
          expectThrows(TimeoutError.self) { try withTimeout(.seconds(1)) { try barrier.wait() } }
        }
        for other in others { expectEqual(try other.wait(), true) }
        #expect(barrier.isBroken)
        let error = expectThrows(BrokenBarrierError.self) { try barrier.waitOp().perform() }
        #expect(error.map { "\($0)" }?.contains("reset()") == true)
        barrier.reset()
        #expect(!barrier.isBroken)
        let again = (0..<2).map { _ in nursery.goAsync { try barrier.wait() } }
        try barrier.wait()
        for party in again { try party.wait() }
      }
    }
  }

  @Test func aBranchThatLosesOrTimesOutBreaksNothing() throws {
    try virtually {
      let barrier = Barrier(2)
      try withNursery { nursery in
        expectThrows(TimeoutError.self) { try barrier.waitOp().orTimeout(after: .seconds(1)).perform() }
        try #expect(barrier.waitOp().poll() == nil)
        let party = nursery.goAsync { try barrier.wait() }
        waitUntilAllParked()
        try choose(.biased([.always(()), barrier.waitOp()]), .never)
        waitUntilAllParked()
        #expect(!party.isFinished)
        try barrier.wait()
        try party.wait()
      }
      #expect(!barrier.isBroken)
    }
  }

  @Test func aResetWhilePartiesWaitBreaksTheirRound() throws {
    try virtually {
      let barrier = Barrier(2)
      try withNursery { nursery in
        let party = nursery.goAsync { () -> Bool in
          do { try barrier.wait() } catch is BrokenBarrierError { return true }
          return false
        }
        waitUntilAllParked()
        barrier.reset()
        expectEqual(try party.wait(), true)
        #expect(!barrier.isBroken)
      }
    }
  }

  @Test func aBarrierOfOneLetsItsPartyThrough() throws {
    let barrier = Barrier(1)
    try barrier.wait()
    try barrier.wait()
    try #expect(barrier.waitOp().poll() != nil)
  }

  @Test func aReportTellsHowManyHaveCome() throws {
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) { try Barrier(3).wait() }
    }
    #expect(error.map { "\($0)" }?.contains("a Barrier, 1 of 3 have come") == true)
  }

  @Test func aBarrierWithoutPartiesTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Barrier(0)
    }
    #expect(standardError(result).contains("at least 1"))
  }

  @Test func aPartyWhoseTimeIsOverIsNotCountedAndTheOthersKeepTheirTimeouts() throws {
    try exploreSchedules {
      let barrier = Barrier(2)
      let late = Guarded<Duration?>(nil)
      let met = Counter()
      try withNursery { nursery in
        let start = FiberClock.now
        nursery.goAsync {
          try sleep(for: .seconds(1))
          do {
            try barrier.waitOp().orTimeout(after: .seconds(1)).perform()
            met.add()
          } catch is TimeoutError {
            late.withLock { $0 = start.duration(to: FiberClock.now) }
          }
        }
        nursery.goAsync {
          do {
            try barrier.waitOp().orTimeout(after: .seconds(1)).perform()
            met.add()
          } catch is TimeoutError {}
        }
      }
      if met.value == 0 { expectEqual(late.withLock { $0 }, .seconds(2)) } else { expectEqual(met.value, 2) }
      #expect(!barrier.isBroken)
    }
  }

  @Test func aPollNeverWaitsForAPartyThatIsAboutToLeave() throws {
    try exploreSchedules {
      let barrier = Barrier(2)
      try withNursery { nursery in
        nursery.goAsync {
          try sleep(for: .seconds(1))
          let before = FiberClock.now
          _ = try barrier.waitOp().poll()
          expectEqual(before.duration(to: FiberClock.now), .zero)
        }
        nursery.goAsync { try? barrier.waitOp().orTimeout(after: .seconds(1)).perform() }
      }
    }
  }

  @Test(arguments: [false, true]) func aCancellationBreaksTheRoundThatItsPartyWaitedForAndNoLaterOne(
    isOperation: Bool
  ) throws {
    try virtually {
      let barrier = Barrier(2)
      try withNursery { nursery in
        let party = nursery.goAsync { if isOperation { try barrier.waitOp().perform() } else { try barrier.wait() } }
        waitUntilAllParked()
        party.cancel()
        barrier.reset()
        waitUntilAllParked()
        #expect(!barrier.isBroken)
      }
    }
  }
}
