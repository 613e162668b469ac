import Nursery
import Testing

/// The guarantees of withNursery.
struct NurseryTests {
  @Test(arguments: parallelisms) func itReturnsAfterEveryChildHasEnded(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let value = try withNursery { nursery in
        for number in 0..<10 {
          nursery.goAsync {
            try sleep(for: .seconds(number))
            nursery.goAsync {
              try sleep(for: .seconds(number))
              ended.add()
            }
            ended.add()
          }
        }
        return "value"
      }
      #expect(value == "value")
      #expect(ended.value == 20)
    }
  }

  @Test(arguments: parallelisms) func theBodyMayChangeLocalVariables(workers: Int) throws {
    var numbers: [Int] = []
    try virtually(workers) {
      try withNursery { nursery in
        let fibers = (0..<10).map { number in nursery.goAsync { number * 2 } }
        for fiber in fibers { numbers.append(try fiber.wait()) }
      }
    }
    #expect(numbers == (0..<10).map { $0 * 2 })
  }

  @Test func outsideAnySchedulerOneIsStarted() throws {
    let value = try withNursery("outer") { nursery in
      #expect(Scheduler.current != nil)
      return try nursery.goAsync { try withNursery { try $0.goAsync { 3 }.wait() } }.wait()
    }
    #expect(value == 3)
    #expect(Scheduler.current == nil)
  }

  @Test(arguments: parallelisms) func fromAsyncCodeItSuspendsTheTask(workers: Int) async throws {
    let value = try await withNursery("async", Configuration(parallelism: workers)) { nursery in
      let channel = Channel<Int>()
      nursery.goAsync { try channel.send(5) }
      return try channel.receive()
    }
    #expect(value == 5)
    await #expect(throws: Oops(1)) {
      try await withNursery { nursery in nursery.goAsync { throw Oops(1) } }
    }
    await #expect(throws: ConfigurationError.self) {
      try await withNursery("", Configuration(parallelism: 0)) { _ in }
    }
  }

  @Test func cancellingTheTaskCancelsTheNursery() async throws {
    let started = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await withNursery { nursery in
        nursery.goAsync {
          started.continuation.yield()
          try Op<Void>.never.perform()
        }
        try Op<Void>.never.perform()
      }
    }
    for await _ in started.stream { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  /// A task that can be cancelled by the code that it runs.
  private final class OwnTask: Sendable {
    private let task = Guarded<Task<Int, any Error>?>(nil)

    func run(_ body: @escaping @Sendable () async throws -> Int) async throws -> Int {
      let task = Task { try await body() }
      self.task.withLock { $0 = task }
      return try await task.value
    }

    func cancel() {
      expectSoon { task.withLock { $0 != nil } }
      task.withLock { $0?.cancel() }
    }
  }

  @Test func theTasksCancellationHoldsUntilTheCallReturns() async throws {
    let task = OwnTask()
    // The body has returned, and a child still runs.
    await #expect(throws: CancellationError.self) {
      try await task.run {
        try await withNursery { nursery in
          nursery.goAsync {
            task.cancel()
            try Op<Void>.never.perform()
          }
          return 1
        }
      }
    }
    // The children have ended, and a daemon or a hook still runs; the task interrupts neither.
    let second = OwnTask()
    let value = try await second.run {
      try await withNursery { nursery in
        nursery.goAsync(daemon: true) {
          do { try Op<Void>.never.perform() } catch { second.cancel() }
        }
        nursery.onExit { try sleep(for: .zero) }
        return 2
      }
    }
    #expect(value == 2)
  }

  @Test func theTasksCancellationIsNotTheNurserysToAbsorb() async throws {
    for isCancelledInside in [false, true] {
      let task = OwnTask()
      await #expect(throws: CancellationError.self) {
        try await task.run {
          try await withNursery { nursery in
            if isCancelledInside { nursery.cancel("inside") }
            task.cancel()
            try Op<Void>.never.perform()
          }
          return 1
        }
      }
      let other = OwnTask()
      await #expect(throws: CancellationError.self) {
        try await other.run {
          try await withNursery { nursery in
            other.cancel()
            if isCancelledInside { nursery.cancel("inside") }
            return try Op<Int>.never.perform()
          }
        }
      }
    }
    // It also absorbs its own cancellation there.
    try await withNursery { nursery in
      nursery.cancel()
      try Op<Void>.never.perform()
    }
    await #expect(throws: NurseryCancelledError.self) {
      try await withNursery { nursery in
        nursery.cancel()
        return try Op<Int>.never.perform()
      }
    }
  }

  @Test func aTaskThatIsCancelledAlreadyCancelsTheNursery() async throws {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await withNursery { nursery in nursery.isCancelled }
    }
    #expect(try await task.value)
  }

  @Test func goAsyncUsesTheNurseryAround() throws {
    try virtually {
      try withNursery("outer") { outer in
        goAsync { try sleep(for: .seconds(1)) }
        #expect(outer.childCount == 1)
        try withNursery("inner") { inner in
          try withTimeout(.seconds(10)) { _ = goAsync { try sleep(for: .seconds(1)) } }
          #expect(inner.childCount == 1)
          #expect(outer.childCount == 1)
        }
      }
      try expectEqual(goAndWait { 7 }, 7)
      expectThrows(ErrorGroup.self) {
        try withNursery(onFailure: .supervise) { _ in try goAndWait { throw Oops(2) } }
      }
    }
  }

  @Test func aKeptNurseryKnowsItsName() throws {
    let kept = try virtually { try withNursery("outer") { _ in try withNursery("inner") { $0 } } }
    #expect(kept.name == "inner")
    #expect(kept.path == "outer/inner")
    #expect(kept.childCount == 0)
    kept.cancel()
  }

  @Test func spawningAfterTheCloseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1)) {
          let kept = try withNursery("outer") { _ in try withNursery("closed one") { $0 } }
          kept.goAsync {}
        }
      }
    }
    #expect(standardError(result).contains("outer/closed one"))
    #expect(standardError(result).contains("closed already"))
    #expect(standardError(result).contains("NurseryTests.swift"))
  }

  @Test func spawningAfterTheEndOfTheSchedulerTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let kept = try withNursery("gone") { $0 }
        kept.goAsync {}
      }
    }
    #expect(standardError(result).contains("nursery \"gone\""))
  }

  @Test func goAsyncOutsideAnyNurseryTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      goAsync {}
    }
    #expect(standardError(result).contains("goAsync outside any nursery"))
  }
}
