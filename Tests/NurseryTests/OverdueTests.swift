import Nursery
import Testing

/// From its deadline on a scope is cancelled, even if no timer has fired: a call that begins later throws, ready or
/// not.
struct OverdueTests {
  /// Computes until the deadline has passed, and one more tick of the clock; no timer fires meanwhile.
  private static func pass(_ deadline: FiberClock.Instant) {
    while FiberClock.now < deadline + .milliseconds(25) {}
  }

  /// Runs `body` in a scope after its deadline has passed while the fiber computed.
  private static func overdue(
    workers: Int = 1, _ prepare: () throws -> Void = {}, _ body: (CancelScope) throws -> Void
  ) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try prepare()
      let deadline = FiberClock.now + .milliseconds(2)
      try withCancelScope(deadline: deadline) { scope in
        pass(deadline)
        try body(scope)
      }
    }
  }

  @Test func aReadyCallThatBeginsAfterTheDeadlineThrows() throws {
    let channel = Channel<Int>(.bounded(4))
    let condition = Condition()
    let ended = Cell<Fiber<Int>?>(nil)
    let calls: [(String, () throws -> Void)] = [
      ("receive", { _ = try channel.receive() }),
      ("receiveOp", { _ = try channel.receiveOp().perform() }),
      ("send", { try channel.send(2) }),
      ("sendOp", { try channel.sendOp(2).perform() }),
      ("always", { _ = try Op.always(1).perform() }),
      ("choose", { _ = try choose(channel.receiveOp(), Op.always(1)) }),
      ("biased", { _ = try Op.biased([channel.receiveOp(), Op.always(1)]).perform() }),
      ("wrap", { _ = try channel.receiveOp().wrap { $0 + 1 }.perform() }),
      ("guarded", { _ = try Op.guarded { channel.receiveOp() }.perform() }),
      ("orTimeout", { _ = try channel.receiveOp().orTimeout(after: .seconds(1)).perform() }),
      ("poll", { _ = try channel.receiveOp().poll() }),
      ("condition", { try condition.wait() }),
      ("fiber", { _ = try ended.value!.wait() }),
      ("sleep", { try sleep(for: .zero) }),
      ("checkCancellation", { try Fiber.checkCancellation() }),
      ("blocking", { _ = try blocking { 1 } }),
      ("goAndWait", { try goAndWait { _ = try channel.trySend(3) } }),
      ("race", { try race({ _ = try channel.trySend(3) }) }),
      ("concurrentMap", { _ = try [3].concurrentMap(limit: 1) { try channel.trySend($0) } }),
    ]
    condition.signal()
    for (name, call) in calls {
      try Self.overdue {
        for _ in 0..<4 { _ = try channel.trySend(1) }
        _ = channel.tryReceive()
        ended.value = goAsync { 1 }
        _ = try ended.value!.wait()
      } _: { _ in
        let before = channel.count
        #expect(throws: CancellationError.self, "\(name)") { try call() }
        #expect(channel.count == before, "\(name) had an effect")
      }
    }
  }

  @Test func queriesReportADeadlineThatHasPassed() throws {
    try Self.overdue { scope in #expect(Fiber.isCancelled) }
    try Self.overdue { scope in #expect(scope.isCancelled) }
    try Self.overdue { scope in #expect(scope.reason == .deadline) }
    try Self.overdue { scope in #expect(Fiber.cancellationReason == .deadline || Fiber.isCancelled) }
    try Self.overdue { scope in
      let heard: Void? = try withShield { try cancellationOp().poll() }
      #expect(heard != nil)
    }
    try Self.overdue { scope in
      let op = scope.cancelledOp()
      let heard: Void? = try withShield { try op.poll() }
      #expect(heard != nil)
    }
    try Self.overdue { scope in
      try withNursery { nursery in
        #expect(nursery.isCancelled)
        let child = nursery.goAsync { Issue.record("a child of a cancelled nursery ran") }
        #expect(throws: CancellationError.self) { try withShield { try child.wait() } }
      }
    }
  }

  @Test func theDeadlineOfAScopeAroundCountsAndAShieldsDoesNot() throws {
    try Self.overdue { outer in
      try withCancelScope(deadline: FiberClock.now + .seconds(100)) { inner in
        #expect(inner.isCancelled)
        #expect(inner.reason == nil)
        try withShield { try sleep(for: .zero) }
        #expect(throws: CancellationError.self) { try sleep(for: .zero) }
      }
      #expect(outer.reason == .deadline)
    }
  }

  @Test(arguments: [1, 2]) func aChildNoticesTheDeadlineOfAnEnclosingScope(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      let (begun, heard) = (Counter(), Counter())
      // A child that has not begun by then does not run.
      while begun.value == 0 {
        let deadline = FiberClock.now + .milliseconds(2)
        _ = try? withCancelScope(deadline: deadline) { _ in
          try withNursery { nursery in
            for _ in 0..<3 {
              nursery.goAsync {
                begun.add()
                Self.pass(deadline)
                if Fiber.isCancelled { heard.add() }
                try Fiber.checkCancellation()
                Issue.record("a call after the deadline returned")
              }
            }
          }
        }
      }
      #expect(heard.value == begun.value)
    }
  }

  @Test func anOverdueScopeAroundANurseryIsReportedWhereItEndsAChildOrTheBody() throws {
    try runFibers(Configuration(parallelism: 1)) {
      // The child never runs, and no call has noticed the deadline yet.
      expectThrows(TimeoutError.self) {
        try withTimeout(.milliseconds(1)) {
          try withNursery { nursery in
            Self.pass(FiberClock.now)
            nursery.goAsync { Issue.record("a child ran after the deadline") }
          }
        }
      }
      // Also cancelled from inside, which a nursery alone would absorb.
      expectThrows(TimeoutError.self) {
        try withTimeout(.milliseconds(1)) {
          try withNursery { nursery in
            Self.pass(FiberClock.now)
            nursery.cancel()
            try sleep(for: .zero)
          }
        }
      }
    }
  }

  @Test func anOverdueScopeIsNotGivenAnotherDeadlineOrReason() throws {
    try Self.overdue { scope in
      scope.deadline = FiberClock.now + .seconds(100)
      #expect(scope.isCancelled && scope.reason == .deadline)
    }
    try Self.overdue { scope in
      scope.cancel("too late")
      #expect(scope.reason == .deadline)
    }
    try Self.overdue { scope in
      scope.deadline = nil
      #expect(throws: CancellationError.self) { try sleep(for: .zero) }
    }
  }

  @Test func aBodyThatReturnsAfterItsDeadlineReturnsItsValue() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let deadline = FiberClock.now + .milliseconds(1)
      let value = try withDeadline(deadline) {
        Self.pass(deadline)
        return 7
      }
      #expect(value == 7)
    }
  }

  @Test func aLoopOfReadyCallsEndsAtItsDeadline() throws {
    let channel = Channel<Int>(.bounded(1))
    try runFibers(Configuration(parallelism: 1)) {
      #expect(throws: TimeoutError.self) {
        try withTimeout(.milliseconds(20)) {
          while true {
            try channel.send(1)
            _ = try channel.receive()
            // So slow that a check at every 256th call would take seconds.
            let start = FiberClock.now
            while FiberClock.now < start + .milliseconds(5) {}
          }
        }
      }
    }
  }

  @Test func aMovedDeadlineTakesEffectInsideAtOnce() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withCancelScope { outer in
        try withTimeout(.seconds(100)) {
          try sleep(for: .zero)
          outer.deadline = FiberClock.now + .milliseconds(1)
          Self.pass(outer.deadline!)
          #expect(Fiber.isCancelled)
        }
      }
      try withCancelScope(deadline: FiberClock.now + .milliseconds(1)) { outer in
        outer.deadline = FiberClock.now + .seconds(100)
        let inner = FiberClock.now + .milliseconds(2)
        try withTimeout(.seconds(50)) {
          Self.pass(inner)
          #expect(!Fiber.isCancelled)
          try sleep(for: .zero)
        }
      }
    }
  }
}
