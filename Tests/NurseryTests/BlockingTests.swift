import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The guarantees of `blocking { }`.
@Suite struct BlockingTests {
  /// A pool for this test only; its threads end soon.
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

  @Test func theBodysCapturesAreReleasedBeforeTheCallReturns() throws {
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
        let first = nursery.goAsync { try pool.call { try gate.wait() } }
        waitUntilRunning(pool, 1)
        let second = nursery.goAsync { try pool.call { runs.add() } }
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
        try pool.call {}
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

  @Test(arguments: ["verb", "operation", "choice", "limited", "committed"])
  func aCancelledCallWaitsForABodyThatHasBegunAndReturnsItsValue(way: String) throws {
    let pool = pool(1)
    try virtually {
      try withNursery { nursery in
        let gate = Condition()
        let caller = nursery.goAsync { () -> Int in
          let body: @Sendable () throws -> Int = {
            try gate.wait()
            return 7
          }
          let value =
            switch way {
            case "verb": try pool.call(body)
            case "operation": try pool.callOp(body).perform()
            case "choice": try choose(Op.never, pool.callOp(body).wrap { $0 }, Channel<Int>().receiveOp())
            case "limited": try pool.callOp(body).orTimeout(after: .seconds(1)).perform()
            default: try choose(pool.committedOp(body), Op.never)
            }
          expectEqual(Fiber.isCancelled, true)
          expectThrows(CancellationError.self) { try pool.call {} }
          return value
        }
        waitUntilRunning(pool, 1)
        caller.cancel()
        letOthersRun()
        expectEqual(caller.isFinished, false)
        expectEqual(pool.statistics.unwanted, way == "committed" ? 0 : 1)
        gate.signal()
        expectEqual(try caller.wait(), 7)
      }
    }
    #expect(pool.statistics.unwanted == 0)
    #expect(pool.statistics.completed == 1)
    #expect(pool.statistics.abandoned == 0)
  }

  @Test func aDeadlineDoesNotCutShortABodyThatHasBegun() throws {
    let pool = pool(1)
    try runFibers {
      let value = try withCancelScope { scope in
        let value = try pool.call {
          scope.deadline = FiberClock.now
          while pool.statistics.unwanted == 0 { letOthersRun() }
          return 7
        }
        expectThrows(CancellationError.self) { try pool.call {} }
        return value
      }
      expectEqual(value, 7)
      let late = Condition()
      expectThrows(TimeoutError.self) {
        try choose(
          pool.callOp {
            late.signal()
            while pool.statistics.unwanted == 0 { letOthersRun() }
          },
          late.waitOp().wrap { throw TimeoutError(after: nil) })
      }
    }
    #expect(pool.statistics.completed == 1)
    #expect(pool.statistics.abandoned == 1)
  }

  @Test func theNurseryWaitsForItsBodies() throws {
    let pool = pool(4)
    let cancelled = Counter()
    let ended = Counter()
    let value: Void? = try virtually {
      try withCancelScope { scope in
        try withNursery { nursery in
          for _ in 0..<4 {
            nursery.goAsync {
              try pool.call {
                cancelled.add()
              } _: {
                while cancelled.value < 4 { letOthersRun() }
                ended.add()
              }
              try Fiber.checkCancellation()
            }
          }
          waitUntilRunning(pool, 4)
          scope.cancel()
        }
        try Fiber.checkCancellation()
      }
    }
    #expect(value == nil)
    #expect(ended.value == 4)
    #expect(pool.statistics.running == 0)
  }

  @Test func aBodyThatThrowsAfterTheCancellationThrowsFromTheCall() throws {
    let pool = pool(1)
    let end: Void? = try virtually {
      try withCancelScope { scope in
        let stop = Condition()
        expectThrows(Oops(3)) {
          try pool.call(onCancel: stop.signal) { () -> Int in
            scope.cancel()
            try stop.wait()
            throw Oops(3)
          }
        }
        try Fiber.checkCancellation()
      }
    }
    #expect(end == nil)
  }

  // MARK: Interrupting

  /// Like a database's connection: a query blocks until it is interrupted, and then throws.
  private final class Connection: Sendable {
    private let interrupted = Condition()
    private let isOpen = Guarded(true)
    struct InterruptedError: Error {}

    func interrupt() {
      expectEqual(isOpen.withLock { $0 }, true)
      interrupted.signal()
    }

    func query() throws -> Int {
      try interrupted.wait()
      throw InterruptedError()
    }

    func close() { isOpen.withLock { $0 = false } }
  }

  @Test func onCancelInterruptsTheBody() throws {
    try runFibers {
      let connection = Connection()
      expectThrows(TimeoutError.self) {
        try withTimeout(.milliseconds(1)) {
          defer { connection.close() }
          do {
            _ = try blocking(onCancel: connection.interrupt) { try connection.query() }
          } catch is Connection.InterruptedError {
            try Fiber.checkCancellation()
          }
        }
      }
    }
  }

  @Test func aBodyMayBeInterruptedByASignal() throws {
    // The body's thread blocks all signals, so the body unblocks its own.
    var action = sigaction()
    var before = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGUSR2, &action, &before)
    defer { sigaction(SIGUSR2, &before, nil) }
    try runFibers {
      let ends = try PipeStream.pair()
      let (reader, writer) = (ends.reader.fileDescriptor, ends.writer.fileDescriptor)
      expectEqual(fcntl(reader, F_SETFL, 0), 0)
      let thread = Guarded<pthread_t?>(nil)
      expectThrows(TimeoutError.self) {
        try withTimeout(.milliseconds(5)) {
          try blocking {
            // A signal that comes before the call is lost, so it is repeated until the body reports its end.
            while let body = thread.withLock({ $0 }) {
              pthread_kill(body, SIGUSR2)
              letOthersRun()
            }
          } _: {
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGUSR2)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            defer { pthread_sigmask(SIG_BLOCK, &signals, nil) }
            thread.withLock { $0 = pthread_self() }
            defer { thread.withLock { $0 = nil } }
            var byte: UInt8 = 0
            if read(reader, &byte, 1) < 0, errno == EINTR { throw CancellationError() }
          }
        }
      }
      expectEqual(writer >= 0, true)
    }
  }

  @Test func onCancelIsCalledOnceOnTheCallersFiberShielded() throws {
    let pool = pool(1)
    let calls = Counter()
    try virtually {
      try withNursery { nursery in
        let stop = Condition()
        let caller = nursery.goAsync("caller") {
          try pool.call {
            calls.add()
            expectEqual(Fiber<Never>.current?.name, "caller")
            // The handler may wait, even for this pool, whose only thread waits for the handler.
            try sleep(for: .seconds(1))
            stop.signal()
            try pool.call {}
          } _: {
            try stop.wait()
          }
        }
        waitUntilRunning(pool, 1)
        caller.cancel()
        caller.cancel()
        try caller.wait()
      }
    }
    #expect(calls.value == 1)
  }

  @Test func onCancelIsNotCalledForABodyThatEnds() throws {
    let pool = pool(1)
    try virtually {
      expectEqual(try pool.call(onCancel: { throw Oops() }) { 7 }, 7)
      expectEqual(try pool.callOp(onCancel: { throw Oops() }) { 7 }.or(.never).perform(), 7)
      let end: Void? = try withCancelScope { scope in
        expectEqual(
          try pool.call(onCancel: { throw Oops() }) {
            scope.cancel()
            return 7
          }, 7)
        try Fiber.checkCancellation()
      }
      _ = end
    }
  }

  @Test func anErrorOfOnCancelIsReported() throws {
    let pool = pool(1)
    let reported = Log<Oops>()
    let configuration = Configuration(clock: .virtual, onSuppressedError: { reported.append($0 as! Oops) })
    try runFibers(configuration) {
      try withNursery { nursery in
        let stop = Condition()
        let caller = nursery.goAsync {
          try pool.call {
            stop.signal()
            throw Oops(5)
          } _: {
            try stop.wait()
            return 7
          }
        }
        waitUntilRunning(pool, 1)
        caller.cancel()
        expectEqual(try caller.wait(), 7)
      }
    }
    #expect(reported.entries == [Oops(5)])
  }

  @Test(arguments: parallelisms) func onCancelReachesNoOtherCallOfTheThread(parallelism: Int) throws {
    let pool = pool(1)
    let current = Guarded(-1)
    let strays = Counter()
    try runFibers(Configuration(parallelism: parallelism)) {
      try withNursery { nursery in
        for number in 0..<300 {
          let caller = nursery.goAsync {
            let stop = Condition()
            try pool.call {
              letOthersRun()
              if current.withLock({ $0 != number && $0 >= 0 }) { strays.add() }
              stop.signal()
            } _: {
              current.withLock { $0 = number }
              defer { current.withLock { $0 = -1 } }
              if number % 3 == 0 { try stop.wait() } else { letOthersRun() }
            }
          }
          if number % 3 == 0 {
            while current.withLock({ $0 }) != number { Fiber.yield() }
          }
          for _ in 0..<number % 5 { Fiber.yield() }
          caller.cancel()
        }
      }
    }
    #expect(strays.value == 0)
    #expect(pool.statistics.running == 0)
  }

  @Test func aShieldKeepsTheCancellationFromABody() throws {
    let pool = pool(1)
    let end: Void? = try virtually {
      try withCancelScope { scope in
        let value = try withShield {
          try pool.call(onCancel: { throw Oops() }) {
            scope.cancel()
            letOthersRun()
            return 7
          }
        }
        expectEqual(value, 7)
        expectEqual(pool.statistics.abandoned, 0)
        try Fiber.checkCancellation()
      }
    }
    #expect(end == nil)
  }

  @Test func aGeneratorMayWaitForABody() throws {
    let pool = pool(1)
    try virtually {
      let squares = Generator<Int> { yielder in
        for number in 1...3 { try yielder.yield(try pool.call { number * number }) }
      }
      expectEqual(Array(squares), [1, 4, 9])
    }
  }

  @Test func aPlainThreadWaitsForABodyThatHasBegun() throws {
    let pool = pool(1)
    let stop = Condition()
    let value = try PlainThread {
      try withCancelScope { scope in
        try pool.call(onCancel: stop.signal) {
          scope.cancel()
          try stop.wait()
          return 7
        }
      }
    }.join()
    #expect(value == 7)
  }

  // MARK: Choices

  @Test func aBranchThatLosesAfterItsBodyHasBegunIsInterruptedAndAwaited() throws {
    let pool = pool(2)
    let reported = Log<Oops>()
    let configuration = Configuration(clock: .virtual, onSuppressedError: { reported.append($0 as! Oops) })
    try runFibers(configuration) {
      let isInterrupted = Condition()
      let hasBegun = Condition()
      let winner = try choose(
        pool.callOp { () -> Int in
          try hasBegun.wait()
          return 1
        },
        pool.callOp(onCancel: isInterrupted.signal) { () -> Int in
          hasBegun.signal()
          try isInterrupted.wait()
          throw Oops(2)
        })
      expectEqual(winner, 1)
      expectEqual(pool.statistics.running, 0)
    }
    #expect(reported.entries == [Oops(2)])
    #expect(pool.statistics.completed == 1)
    #expect(pool.statistics.abandoned == 1)
  }

  @Test func aCancelledChoiceOfTwoBodiesReturnsOneValueAndInterruptsBoth() throws {
    let pool = pool(2)
    let interrupted = Log<Int>()
    try virtually {
      try withNursery { nursery in
        let caller = nursery.goAsync { () -> Int in
          func call(_ number: Int) -> Op<Int> {
            let stop = Condition()
            return pool.callOp {
              interrupted.append(number)
              stop.signal()
            } _: {
              try stop.wait()
              return number
            }
          }
          return try choose(call(1), call(2))
        }
        waitUntilRunning(pool, 2)
        caller.cancel()
        expectEqual([1, 2].contains(try caller.wait()), true)
      }
    }
    #expect(interrupted.entries.sorted() == [1, 2])
    #expect(pool.statistics.running == 0)
  }

  @Test func aChoiceThatIsTriedAgainWhenItIsCancelledReturnsTheBodysValue() throws {
    let pool = pool(1)
    try virtually {
      try withNursery { nursery in
        let readiness = Readiness("nothing")
        let gate = Condition()
        let caller = nursery.goAsync {
          try choose(
            pool.callOp {
              try gate.wait()
              return 7
            }, readiness.whenReadyOp { nil })
        }
        waitUntilRunning(pool, 1)
        readiness.signal()
        caller.cancel()
        letOthersRun()
        gate.signal()
        expectEqual(try caller.wait(), 7)
      }
    }
  }

  @Test(arguments: parallelisms) func aBodyHasBegunOrTheCallThrows(parallelism: Int) throws {
    let pool = pool(1)
    let begun = Counter()
    let returned = Counter()
    let cancelled = Counter()
    try runFibers(Configuration(parallelism: parallelism)) {
      for number in 0..<2000 {
        try withNursery { nursery in
          let caller = nursery.goAsync {
            do {
              if number % 2 == 0 {
                try pool.call { _ = begun.add() }
              } else {
                try choose(pool.callOp { _ = begun.add() }, Op.never)
              }
              returned.add()
            } catch is CancellationError {
              cancelled.add()
            }
          }
          for _ in 0..<number % 11 { Fiber.yield() }
          caller.cancel()
        }
      }
    }
    #expect(begun.value == returned.value)
    #expect(begun.value + cancelled.value <= 2000)
    #expect(pool.statistics.completed == begun.value)
  }

  // MARK: Abandoning

  @Test func aCallThatAbandonsThrowsAtOnceAndItsErrorIsReported() throws {
    final class Resource: Sendable {}
    let pool = pool(2)
    let gate = Condition()
    let ended = Condition()
    let reported = Log<Oops>()
    weak var seen: Resource?
    let configuration = Configuration(
      clock: .virtual,
      onSuppressedError: {
        reported.append($0 as! Oops)
        ended.signal()
      })
    try runFibers(configuration) {
      let resource = Resource()
      seen = resource
      let body: @Sendable () throws -> Void = {
        try gate.wait()
        withExtendedLifetime(resource) {}
        throw Oops(9)
      }
      try withNursery { nursery in
        let call = nursery.goAsync { try pool.call(whenCancelled: .abandons, body) }
        waitUntilRunning(pool, 1)
        call.cancel()
        expectThrows(CancellationError.self) { try call.wait() }
      }
      expectThrows(TimeoutError.self) {
        try pool.callOp(whenCancelled: .abandons) { try gate.wait() }.orTimeout(after: .zero).perform()
      }
      expectEqual(pool.statistics.unwanted >= 1, true)
    }
    #expect(seen != nil)
    gate.signal()
    try ended.wait()
    expectSoon { seen == nil && pool.statistics.running == 0 }
    #expect(reported.entries == [Oops(9)])
    #expect(pool.statistics.completed == 0)
    #expect(pool.statistics.unwanted == 0)
  }

  @Test func anAbandonedBodyIsInterruptedIfThatCanBeDone() throws {
    let pool = pool(1)
    let stop = Condition()
    try virtually {
      try withNursery { nursery in
        let call = nursery.goAsync {
          try pool.call(whenCancelled: .abandons, onCancel: stop.signal) { try stop.wait() }
        }
        waitUntilRunning(pool, 1)
        call.cancel()
        expectThrows(CancellationError.self) { try call.wait() }
      }
    }
    expectSoon { pool.statistics.running == 0 }
    #expect(pool.statistics.abandoned == 1)
  }

  @Test func aCallThatCommitsAtItsStartIsAlwaysWaitedFor() throws {
    let pool = pool(1)
    try virtually {
      try withNursery { nursery in
        let gate = Condition()
        let call = nursery.goAsync {
          try pool.committedOp {
            try gate.wait()
            return 7
          }.orTimeout(after: .seconds(1)).perform()
        }
        waitUntilRunning(pool, 1)
        let waiting = nursery.goAsync { try pool.committedOp { fatalError("it ran") }.perform() }
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

/// Waits until the pool runs `count` jobs.
func waitUntilRunning(_ pool: BlockingPool, _ count: Int) {
  while pool.statistics.running != count { Fiber.yield() }
}
