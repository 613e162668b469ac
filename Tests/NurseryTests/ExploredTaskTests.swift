import Nursery
import Testing

/// Async functions of fibers in deterministic schedulers: the fiber runs the task, and what it does is explored.
struct ExploredTaskTests {
  @Test func whatAnAsyncFunctionDoesBetweenItsOperationsIsExplored() throws {
    var outcomes: Set<Int> = []
    let report = try exploreSchedules {
      let number = Guarded(0)
      try withNursery { nursery in
        for _ in 0..<2 {
          nursery.goAsync {
            try runAsync {
              let before = number.withLock { $0 }
              try await Op.always(()).perform()
              number.withLock { $0 = before + 1 }
            }
          }
        }
      }
      outcomes.insert(number.withLock { $0 })
    }
    #expect(report.isExhausted)
    #expect(outcomes == [1, 2])
  }

  @Test func theChoicesOfAnAsyncFunctionAreDecided() throws {
    var outcomes: Set<Int> = []
    let report = try exploreSchedules {
      let channels = (0..<3).map { _ in Channel<Int>(.bounded(1)) }
      for index in 0..<3 { try channels[index].send(index) }
      outcomes.insert(try runAsync { try await Op.choice(channels.map { $0.receiveOp() }).perform() })
    }
    #expect(report.isExhausted)
    #expect(outcomes == [0, 1, 2])
  }

  @Test func anAsyncFunctionAndAFiberMeetUnderEverySchedule() throws {
    let report = try exploreSchedules {
      let questions = Channel<Int>()
      let answers = Channel<Int>()
      try withNursery { nursery in
        nursery.goAsync {
          try runAsync { for await question in questions.elements { try await answers.send(question * 2) } }
        }
        try questions.send(21)
        let answer = try answers.receive()
        try hold(answer == 42, "\(answer)")
        questions.close()
      }
    }
    #expect(report.isExhausted)
  }

  @Test func aDeadlockOfAnAsyncFunctionIsReported() throws {
    let cancelled = Counter()
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        try runAsync {
          do { _ = try await Channel<Int>().receive() } catch {
            cancelled.add()
            throw error
          }
        }
      }
    }
    #expect("\(error!)".contains("an async function"))
    #expect(cancelled.value == 1)
  }

  @Test func virtualTimeGoesOnWhileAnAsyncFunctionWaitsInAnOperation() throws {
    try runFibers(.deterministic(seed: 1)) {
      let channel = Channel<Int>()
      let start = FiberClock.now
      try withNursery { nursery in
        nursery.goAsync {
          try sleep(for: .seconds(60))
          try channel.send(7)
        }
        let received = try runAsync {
          await Task.yield()
          return try await channel.receive()
        }
        expectEqual(received, 7)
      }
      expectEqual(start.duration(to: FiberClock.now), .seconds(60))
    }
  }

  @Test func whatAnAsyncFunctionWaitsForElsewhereIsWaitedFor() async throws {
    let isExhausted = try await onAThread {
      try exploreSchedules(.exhaustive(limit: 3)) {
        let actor = Recorder()
        let value = try runAsync {
          try await Task.sleep(for: .milliseconds(1))
          try await sleep(for: .milliseconds(1))
          await actor.add(1)
          await Task { await actor.add(2) }.value
          async let third: Void = actor.add(4)
          await third
          return await actor.sum
        }
        try hold(value == 7, "\(value)")
      }.isExhausted
    }
    #expect(!isExhausted)
  }

  @Test func aLosingAsyncFunctionOfADeterministicSchedulerIsAwaitedOrAbandoned() async throws {
    let ended = Counter()
    let isAbandoned = Condition()
    let endedInTime = try await onAThread {
      try runFibers(.deterministic(seed: 1)) {
        let slow = asyncOp {
          do { try await Condition().wait() } catch {
            for _ in 0..<3 { await Task.yield() }
            ended.add()
          }
        }
        try choose(slow, timeoutOp(after: .seconds(1)))
        let endedInTime = ended.value == 1
        let abandoned = asyncOp(whenCancelled: .abandons) {
          do { try await Condition().wait() } catch { isAbandoned.signal() }
        }
        try choose(abandoned, timeoutOp(after: .seconds(1)))
        return endedInTime
      }
    }
    #expect(endedInTime)
    try await isAbandoned.wait()
  }

  @Test func theTaskOfAnAsyncFunctionOwnsItsLocks() throws {
    try exploreSchedules(.exhaustive(limit: 200)) {
      let mutex = FiberMutex(0)
      try withNursery { nursery in
        for _ in 0..<2 {
          nursery.goAsync {
            try runAsync {
              try await mutex.withLock { state in
                let before = state
                try await Op.always(()).perform()
                state = before + 1
              }
            }
          }
        }
      }
      try hold(mutex.withLock { $0 } == 2, "an update was lost")
    }
  }

  @Test func aCallThatWaitsWithoutAwaitIsRefused() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(.deterministic(seed: 1)) {
          try runAsync { try callThatWaits() }
        }
      }
    }
    #expect(standardError(result).contains("makes a call that waits, without 'await'"))
    #if DEBUG
      let place = SourceLines.isAvailable ? " at NurseryTests/ExploredTaskTests.swift:\(lineThatWaits), so" : ", so"
      #expect(standardError(result).contains("without 'await'\(place)"))
    #endif
  }
}

private let lineThatWaits = #line + 1
private func callThatWaits() throws { _ = try Channel<Int>().receive() }

/// Runs `body` on a thread of its own: the pool's threads, on which tests run, are needed by what it waits for.
private func onAThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  let outcome = Promise<Result<Value, any Error>>()
  let thread = PlainThread { outcome.fulfill(Result { try body() }) }
  let result = try await outcome.wait()
  try synchronously { try thread.join() }
  return try result.get()
}

private actor Recorder {
  private(set) var sum = 0

  func add(_ number: Int) { sum += number }
}
