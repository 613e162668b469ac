import Nursery
import Testing

/// The reason and the deadline of a cancel scope.
struct DeadlineTests {
  @Test func theFirstReasonIsKept() throws {
    try virtually {
      try withCancelScope { scope in
        #expect(scope.reason == nil)
        scope.cancel("bored")
        scope.cancel("tired")
        #expect(scope.reason == .requested("bored"))
        scope.deadline = FiberClock.now
        #expect(scope.reason == .requested("bored"))
      }
    }
  }

  @Test func anOuterCancellationIsNotTheScopesOwnReason() throws {
    try virtually {
      try withCancelScope { outer in
        try withCancelScope { inner in
          outer.cancel("done")
          #expect(inner.isCancelled)
          #expect(inner.reason == nil)
          #expect(Fiber.cancellationReason == .requested("done"))
        }
      }
      #expect(Fiber.cancellationReason == nil)
    }
  }

  @Test func theReportedReasonIsThatOfTheInnermostScope() throws {
    try virtually {
      let reasons = try withNursery { nursery -> [CancellationReason?] in
        let told = try withCancelScope { inner -> CancellationReason? in
          nursery.cancel("outer")
          inner.cancel("inner")
          return Fiber.cancellationReason
        }
        let shielded = try withShield { Fiber.cancellationReason }
        let alone = nursery.goAsync { () -> CancellationReason? in nil }
        _ = alone
        return [told ?? nil, shielded, Fiber.cancellationReason, nursery.reason]
      }
      #expect(reasons == [.requested("inner"), nil, .requested("outer"), .requested("outer")])
    }
  }

  @Test(arguments: parallelisms) func aCancellationFromOutsideIsTheReasonThatChildrenSee(workers: Int) throws {
    let reasons = Log<CancellationReason?>()
    try virtually(workers) {
      try withTimeoutOrNil(.seconds(1)) {
        try withNursery { nursery in
          for _ in 0..<3 {
            nursery.goAsync {
              defer { reasons.append(Fiber.cancellationReason) }
              try sleep(for: .seconds(10))
            }
          }
          try sleep(for: .seconds(10))
        }
      }
    }
    #expect(reasons.entries == [.deadline, .deadline, .deadline])
  }

  @Test(arguments: parallelisms) func aDeadlineThatIsTakenAwayWhileItFiresTouchesNothingLater(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      for round in 0..<2000 * stressFactor {
        let due = FiberClock.now + .microseconds(round % 10)
        try withCancelScope(deadline: due) { scope in
          while FiberClock.now < due {}
          if round % 2 == 0 { scope.deadline = nil } else { scope.deadline = due - .seconds(1) }
        }
      }
    }
  }

  @Test func aFailureIsAReason() throws {
    let reasons = Log<CancellationReason?>()
    try virtually {
      expectThrows(Oops(1)) {
        try withNursery { nursery in
          nursery.goAsync { throw Oops(1) }
          defer { reasons.append(nursery.reason) }
          try sleep(for: .seconds(1))
        }
      }
    }
    #expect(reasons.entries == [.failure])
  }

  @Test(arguments: parallelisms) func theDeadlineEndsTheScopeAndIsItsReason(workers: Int) throws {
    try virtually(workers) {
      let start = FiberClock.now
      var kept: CancelScope?
      let value = try withCancelScope(deadline: start + .seconds(2)) { scope in
        kept = scope
        #expect(scope.deadline == start + .seconds(2))
        try sleep(for: .seconds(10))
        return 1
      }
      #expect(value == nil)
      #expect(kept?.reason == .deadline)
      #expect(FiberClock.now - start == .seconds(2))
    }
  }

  @Test(arguments: parallelisms) func anyFiberOrThreadMayMoveTheDeadline(workers: Int) throws {
    try virtually(workers) {
      let start = FiberClock.now
      let value: Void? = try withCancelScope(deadline: start + .seconds(5)) { scope in
        goAsync {
          // A watchdog whose deadline is moved three times.
          for _ in 0..<3 {
            try sleep(for: .seconds(4))
            scope.deadline = FiberClock.now + .seconds(5)
          }
        }
        try sleep(for: .seconds(100))
      }
      #expect(value == nil)
      #expect(FiberClock.now - start == .seconds(17))
    }
  }

  @Test func aDeadlineMayBeBroughtForwardOrTakenAway() throws {
    try virtually {
      let start = FiberClock.now
      try withCancelScope { scope in
        #expect(scope.deadline == nil)
        scope.deadline = start + .seconds(3)
        scope.deadline = nil
        #expect(scope.deadline == nil)
        try sleep(for: .seconds(5))
        scope.deadline = start + .seconds(9)
        scope.deadline = start + .seconds(6)
        try sleep(for: .seconds(100))
      }
      #expect(FiberClock.now - start == .seconds(6))
    }
  }

  @Test func aDeadlineThatHasPassedCancelsAtOnce() throws {
    try virtually {
      try sleep(for: .seconds(1))
      try withCancelScope { scope in
        scope.deadline = FiberClock.now
        #expect(scope.isCancelled)
        #expect(scope.reason == .deadline)
      }
    }
  }

  @Test func aScopeThatIsKeptLongerThanItsSchedulerMayBeAskedForAnything() throws {
    var scope: CancelScope?
    var nursery: Nursery?
    try runFibers {
      try withNursery {
        nursery = $0
        try withCancelScope { scope = $0 }
      }
    }
    let kept = scope
    try PlainThread { kept?.deadline = FiberClock.now + .seconds(1) }.join()
    scope?.deadline = FiberClock.now
    scope?.cancel()
    nursery?.drain(grace: .seconds(1))
    nursery?.cancel()
    #expect(scope?.isCancelled == false && nursery?.isCancelled == false && nursery?.isDraining == false)
  }

  @Test func settingTheDeadlineOfAClosedScopeHasNoEffect() throws {
    try virtually {
      var kept: CancelScope?
      try withCancelScope { kept = $0 }
      kept?.deadline = FiberClock.now + .seconds(1)
      try sleep(for: .seconds(2))
      #expect(kept?.isCancelled == false)
    }
  }

  @Test func aDeadlineCanBeSetFromAPlainThreadForASchedulerThatSleeps() throws {
    for workers in parallelisms {
      try runFibers(Configuration(parallelism: workers)) {
        let value: Void? = try withCancelScope { scope in
          let thread = PlainThread { scope.deadline = FiberClock.now + .milliseconds(1) }
          defer { try? thread.join() }
          try Op<Void>.never.perform()
        }
        #expect(value == nil)
      }
    }
  }

  @Test func aDeadlineCanBeSetForAPlainThreadThatWaits() throws {
    let value: Void? = try withCancelScope { scope in
      let thread = PlainThread { scope.deadline = FiberClock.now + .milliseconds(1) }
      defer { try? thread.join() }
      try Op<Void>.never.perform()
    }
    #expect(value == nil)
  }

  @Test func aDeadlineAroundASchedulerCanBeMovedFromInside() throws {
    let value: Void? = try withCancelScope { scope in
      try runFibers(Configuration(parallelism: 2)) {
        goAsync { scope.deadline = FiberClock.now + .milliseconds(1) }
        try Op<Void>.never.perform()
      }
    }
    #expect(value == nil)
  }

  @Test func aDeadlineKeepsItsDistanceWhereTheClockIsVirtual() throws {
    let passed: Duration? = try withTimeoutOrNil(.seconds(1000)) {
      try virtually {
        let start = FiberClock.now
        try? sleep(for: .seconds(2000))
        let passed = FiberClock.now - start
        return passed
      }
    }
    #expect(passed.map { $0 > .seconds(999) && $0 <= .seconds(1000) } == true)
  }

  @Test func aDeadlineKeepsItsDistanceFromOneVirtualClockToTheNext() throws {
    try virtually {
      try sleep(for: .seconds(1_000_000))
      let start = FiberClock.now
      let inner: Duration? = try withTimeoutOrNil(.seconds(10)) {
        try virtually {
          let start = FiberClock.now
          try? sleep(for: .seconds(7))
          try? sleep(for: .seconds(7))
          return FiberClock.now - start
        }
      }
      #expect(inner == .seconds(10))
      #expect(FiberClock.now == start)
    }
  }

  @Test(arguments: parallelisms) func movingADeadlineRacesWithItsFiring(workers: Int) throws {
    for round in 0..<200 {
      try runFibers(Configuration(parallelism: workers)) {
        let ended: Void? = try withCancelScope(deadline: FiberClock.now + .microseconds(round)) { scope in
          try withNursery { nursery in
            for _ in 0..<2 {
              nursery.goAsync {
                for _ in 0..<20 {
                  scope.deadline = FiberClock.now + .microseconds(round)
                  Fiber.yield()
                }
                scope.deadline = FiberClock.now + .microseconds(20)
              }
            }
            try sleep(for: .seconds(1000))
          }
        }
        #expect(ended == nil)
      }
    }
  }
}
