import Dispatch
import Nursery
import Testing

/// The scheduler that the nurseries of asynchronous code share.
struct SharedSchedulerTests {
  @Test func awaitedNurseriesShareOneSchedulerUnlessTheyAreGivenAConfiguration() async throws {
    let shared = try Scheduler.shared
    for _ in 0..<3 {
      #expect(try await withNursery { _ in Scheduler.current! } === shared)
    }
    #expect(try await withNursery("own", Configuration()) { _ in Scheduler.current! } !== shared)
  }

  @Test func aFailureOrACancellationEndsItsNurseryAlone() async throws {
    let mayEnd = Condition()
    async let other: Int = withNursery { nursery in
      let child = nursery.goAsync { try mayEnd.wait() }
      try child.wait()
      return 7
    }
    for number in 0..<20 {
      await #expect(throws: Oops(number)) {
        try await withNursery { nursery in
          nursery.goAsync { throw Oops(number) }
          try Op<Void>.never.perform()
        }
      }
      let isWaiting = Condition()
      let cancelled = Task {
        try await withNursery { _ in
          isWaiting.signal()
          try Op<Void>.never.perform()
        }
      }
      try await isWaiting.wait()
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
    mayEnd.signal()
    #expect(try await other == 7)
  }

  @Test func deadlinesAndDaemonsAreTheNurserysOwn() async throws {
    let ended = Log<String>()
    let value = try await withNursery { nursery in
      nursery.onExit { ended.append("hook") }
      nursery.goAsync(daemon: true) {
        defer { ended.append("daemon") }
        try Op<Void>.never.perform()
      }
      return try withTimeoutOrNil(.milliseconds(1)) { try Op<Int>.never.perform() }
    }
    #expect(value == nil)
    #expect(ended.entries == ["daemon", "hook"])
  }

  @Test func whatABodyCapturesIsGoneWhenTheCallReturns() async throws {
    weak var captured: Cell<Int>?
    do {
      let box = Cell(1)
      captured = box
      #expect(try await withNursery { _ in box.value } == 1)
    }
    #expect(captured == nil)
  }

  @Test func thousandsOfNurseriesRunAtOnceAndOneAfterAnother() async throws {
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<2000 {
        group.addTask {
          try await withNursery { nursery in
            let channel = Channel<Int>()
            nursery.goAsync { try channel.send(number) }
            return try channel.receive()
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(sum == 1999 * 1000)
    for number in 0..<2000 {
      #expect(try await withNursery { nursery in try nursery.goAsync { number }.wait() } == number)
    }
  }

  @Test func nurseriesInsideTasksInsideFibersNeverWaitForTheirOwnWorkers() async throws {
    #expect(try await nest(20) == 20)
    let all = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { try await nest(5) } }
      return try await group.reduce(0, +)
    }
    #expect(all == 250)
  }

  /// A task that awaits a nursery, whose fiber awaits a task, and so on.
  private func nest(_ depth: Int) async throws -> Int {
    if depth == 0 { return 0 }
    return try await withNursery { nursery in
      let inner = nursery.goAsync { try runAsync { try await nest(depth - 1) } }
      return try inner.wait() + 1
    }
  }

  // In a process of its own: they hold up the fibers of other tests, too.
  @Test func fibersThatBlockAllWorkersHoldUpNoNurseryThatBeginsLater() async {
    await #expect(processExitsWith: .success) {
      let depth = try Scheduler.shared.statistics.workers + 8
      #expect(try await block(depth) == depth)
    }
  }

  @MainActor @Test func theMainActorAwaitsANursery() async throws {
    let model = Cell(0)
    for number in 0..<100 {
      model.value += try await withNursery { nursery in try nursery.goAsync { number }.wait() }
    }
    #expect(model.value == 4950)
  }

  @Test func aTaskOnAFibersStackAwaitsANursery() async throws {
    let values = try await withNursery("own", Configuration(parallelism: 2)) { _ in
      try (0..<4).concurrentMap(limit: 4) { number in
        try runAsync { try await withNursery { nursery in try nursery.goAsync { number }.wait() } }
      }
    }
    #expect(values == [0, 1, 2, 3])
  }

  @Test func anExploredAsyncFunctionAwaitsANurseryWhichIsOutside() throws {
    let report = try exploreSchedules(.exhaustive(limit: 20)) {
      try withNursery { nursery in
        let other = nursery.goAsync { 1 }
        let value = try runAsync {
          try await withNursery { inner in try inner.goAsync { Scheduler.current === (try Scheduler.shared) }.wait() }
        }
        try hold(value && other.wait() == 1, "another scheduler has run it")
      }
    }
    #expect(!report.isExhausted)
  }

  // A leak checker does not look at the stacks of fibers that wait.
  @Test(.enabled(if: !isSanitized)) func theProcessExitsWhileFibersOfTheSharedSchedulerWait() async {
    await #expect(processExitsWith: .success) {
      let isWaiting = Condition()
      Task {
        try await withNursery { nursery in
          nursery.goAsync { try Op<Void>.never.perform() }
          isWaiting.signal()
          try Op<Void>.never.perform()
        }
      }
      try await isWaiting.wait()
    }
  }

  @Test func noFiberOfAnEndedNurseryIsLeft() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<100 {
        try await withNursery { nursery in
          for _ in 0..<10 { nursery.goAsync { Fiber.yield() } }
          nursery.goAsync(daemon: true) { try Op<Void>.never.perform() }
        }
      }
      let shared = try Scheduler.shared
      synchronously { expectSoon { shared.statistics.fibersAlive == 0 } }
    }
  }
}

/// A nursery whose fiber blocks its thread until a task has awaited another one, and so on; each thread also has a fiber
/// that waits.
private func block(_ depth: Int) async throws -> Int {
  if depth <= 0 { return 0 }
  return try await withNursery { nursery in
    let hasEnded = DispatchSemaphore(value: 0)
    let inner = Guarded(0)
    Task {
      let isWaiting = Condition()
      let waiting = Task {
        try await withNursery { _ in
          isWaiting.signal()
          try Op<Void>.never.perform()
        }
      }
      try await isWaiting.wait()
      let value = try await block(depth - 1)
      inner.withLock { $0 = value }
      hasEnded.signal()
      waiting.cancel()
    }
    hasEnded.wait()
    return inner.withLock { $0 } + 1
  }
}
