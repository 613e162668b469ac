import Nursery
import Testing

/// Asynchronous functions as operations of fibers.
struct AsyncOperationTests {
  @Test func anAsyncFunctionIsRunByAFiber() throws {
    try runFibers {
      expectEqual(try runAsync(executor: ThreadExecutor.shared) { await value(7) }, 7)
      expectThrows(Oops(1)) { try runAsync(executor: ThreadExecutor.shared) { throw Oops(1) } }
      expectEqual(try choose(asyncOp(executor: ThreadExecutor.shared) { await value(8) }, .never), 8)
    }
  }

  @Test func aFiberThatWaitsForAnAsyncFunctionLetsOthersRun() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let channel = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync { try runAsync(executor: ThreadExecutor.shared) { try await channel.send(7) } }
        expectEqual(try channel.receive(), 7)
      }
    }
  }

  @Test func aChoiceThatHasSomethingReadyNeverRunsTheFunction() throws {
    let runs = Counter()
    try runFibers {
      let op = asyncOp(executor: ThreadExecutor.shared) { _ = runs.add() }
      expectEqual(try op.poll() == nil, true)
      try Op.biased([op, .always(())]).perform()
      #expect(runs.value == 0)
      try op.perform()
      try op.perform()
      #expect(runs.value == 2)
    }
  }

  @Test func aLosingAsyncFunctionIsCancelledAndAwaited() throws {
    let hasEnded = Counter()
    let isReady = Channel<Void>(.bounded(1))
    try runFibers {
      let slow = asyncOp(executor: ThreadExecutor.shared) {
        try await isReady.send(())
        try? await Condition().wait()
        for _ in 0..<20 { await Task.yield() }
        hasEnded.add()
      }
      try choose(slow, isReady.receiveOp())
      #expect(hasEnded.value == 1)
    }
  }

  @Test func virtualTimeGoesOnOnceAnAsyncFunctionIsAbandoned() throws {
    let isReady = Channel<Void>(.bounded(1))
    let mayEnd = Condition()
    try virtually {
      let slow = asyncOp(whenCancelled: .abandons, executor: ThreadExecutor.shared) {
        try await isReady.send(())
        while !mayEnd.isSignalled { await Task.yield() }
      }
      try choose(slow, isReady.receiveOp())
      try sleep(for: .seconds(1))
      mayEnd.signal()
    }
  }

  @Test func aCancelledFiberCancelsItsAsyncFunction() throws {
    let wasCancelled = Counter()
    try runFibers {
      try withNursery { nursery in
        let hasBegun = Condition()
        let fiber = nursery.goAsync {
          try runAsync(executor: ThreadExecutor.shared) {
            hasBegun.signal()
            do { try await Condition().wait() } catch {
              wasCancelled.add()
              throw error
            }
          }
        }
        try hasBegun.wait()
        try fiber.cancelAndWait()
        #expect(wasCancelled.value == 1)
        expectThrows(CancellationError.self) { try fiber.wait() }
      }
    }
  }

  @Test func anAbandonedAsyncFunctionRunsOn() throws {
    let gate = Condition()
    let hasEnded = Condition()
    try runFibers {
      let lost = asyncOp(whenCancelled: .abandons, executor: ThreadExecutor.shared) {
        await Task(executorPreference: ThreadExecutor.shared) { try? await gate.wait() }.value
        hasEnded.signal()
      }
      try choose(lost, timeoutOp(after: .milliseconds(1)))
      #expect(!hasEnded.isSignalled)
      gate.signal()
      try hasEnded.wait()
    }
  }

  @Test func theErrorOfALosingAsyncFunctionIsReportedAsSuppressed() throws {
    let errors = Log<String>()
    let isReady = Channel<Void>(.bounded(1))
    try runFibers(Configuration(onSuppressedError: { errors.append("\($0)") })) {
      let losing = asyncOp(executor: ThreadExecutor.shared) {
        try await isReady.send(())
        try? await Condition().wait()
        throw Oops(3)
      }
      try choose(losing, isReady.receiveOp())
    }
    #expect(errors.entries == ["\(Oops(3))"])
  }

  @Test func virtualTimeStandsStillWhileAnAsyncFunctionRuns() throws {
    try virtually {
      let start = FiberClock.now
      let op = asyncOp(executor: ThreadExecutor.shared) { await value(7) }
      expectEqual(try op.orTimeout(after: .seconds(1)).perform(), 7)
      #expect(FiberClock.now == start)
    }
  }

  @Test func theValueOfATaskIsAnOperation() async throws {
    let gate = Condition()
    let task = Task {
      try await gate.wait()
      return 7
    }
    let failing = Task<Int, any Error> { throw Oops(2) }
    let results = try await withNursery { _ in
      let late = try choose(task.valueOp(), timeoutOp(after: .milliseconds(1)).wrap { -1 })
      gate.signal()
      return [late, try task.valueOp().perform(), try failing.valueOp().recover { _ in -2 }.perform()]
    }
    #expect(results == [-1, 7, -2])
    #expect(!task.isCancelled)
  }

  @Test func aTaskChoosesBetweenAnAsyncFunctionAndAChannel() async throws {
    let channel = Channel<Int>(.bounded(1))
    #expect(try await choose(asyncOp { await value(7) }, channel.receiveOp()) == 7)
    try await channel.send(8)
    #expect(try await choose(asyncOp { try await Op<Int>.never.perform() }, channel.receiveOp()) == 8)
  }
}

private func value(_ number: Int) async -> Int {
  await Task.yield()
  return number
}
