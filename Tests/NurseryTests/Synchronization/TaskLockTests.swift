import Nursery
import Testing

/// Locks that tasks hold: the owner is the task, whatever thread it is on.
struct TaskLockTests {
  @Test func aTaskOwnsItsLockOnWhicheverThreadItGoesOn() async throws {
    let mutex = FiberMutex(1)
    try await Task(executorPreference: ThreadExecutor.left) {
      let before = threadNumber()
      let hold = Box(try await mutex.lockOp().perform())
      try await withTaskExecutorPreference(ThreadExecutor.right) {
        try await sleep(for: .microseconds(1))
        #expect(threadNumber() != before)
        #expect(hold.value.withState { $0 } == 1)
        hold.value.release()
        try await mutex.withLock { state in
          await withTaskExecutorPreference(ThreadExecutor.left) { await Task.yield() }
          state = 2
        }
      }
      #expect(try await mutex.withLock { $0 } == 2)
    }.value
  }

  @Test func relockingByTheSameTaskThrowsAndNamesBothLines() async throws {
    let mutex = FiberMutex(0)
    try await Task(executorPreference: ThreadExecutor.left) {
      let first = #line + 1
      try await mutex.withLock { _ in
        await withTaskExecutorPreference(ThreadExecutor.right) {
          for attempt in 0..<2 {
            let error = await #expect(throws: RelockError.self) {
              if attempt == 0 { try await mutex.withLock { _ in } } else { _ = try await mutex.lockOp().perform() }
            }
            #expect(error?.held.line == first)
            #expect(error?.again.line == first + 3)
          }
        }
      }
      try await mutex.withLock { _ in }
    }.value
  }

  @Test func aTaskOnTheThreadOfTheOwnerIsNotTheOwner() async throws {
    let mutex = FiberMutex(0)
    let isHeld = Condition()
    let mayEnd = Condition()
    let owner = Task(executorPreference: ThreadExecutor.left) {
      try await mutex.withLock { state in
        isHeld.signal()
        try await mayEnd.wait()
        state += 1
      }
    }
    try await isHeld.wait()
    let waiting = Task(executorPreference: ThreadExecutor.left) { try await mutex.withLock { $0 } }
    await letTasksRun()
    mayEnd.signal()
    #expect(try await waiting.value == 1)
    try await owner.value
  }

  @Test func aHoldOfATaskIsOfNoUseToAnotherTask() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try await Task(executorPreference: ThreadExecutor.left) {
        let hold = Box(try await FiberMutex(0).lockOp().perform())
        await Task(executorPreference: ThreadExecutor.left) { hold.value.release() }.value
      }.value
    }
    #expect(standardError(result).contains("is used by another fiber, thread or task than its owner"))
  }

  @Test func tasksFibersAndThreadsExcludeEachOther() async throws {
    let mutex = FiberMutex(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<100 {
            try await mutex.withLock { state in
              let before = state
              await Task.yield()
              state = before + 1
            }
          }
        }
      }
      group.addTask {
        try await withNursery { nursery in
          for _ in 0..<4 {
            nursery.goAsync {
              for _ in 0..<100 {
                try mutex.withLock { state in
                  let before = state
                  Fiber.yield()
                  state = before + 1
                }
              }
            }
          }
        }
      }
      let thread = PlainThread { for _ in 0..<100 { try mutex.withLock { $0 += 1 } } }
      try await group.waitForAll()
      try thread.join()
    }
    #expect(try await mutex.withLock { $0 } == 900)
  }

  @Test func aCancelledTaskNeverOwnsTheLockAndACancelledOwnerReleasesIt() async throws {
    let mutex = FiberMutex(0, poisons: true)
    let isHeld = Condition()
    let owner = Task {
      try await mutex.withLock { _ in
        isHeld.signal()
        try await Condition().wait()
      }
    }
    try await isHeld.wait()
    let waiting = Task { try await mutex.withLock { $0 += 1 } }
    await letTasksRun()
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    owner.cancel()
    await #expect(throws: CancellationError.self) { try await owner.value }
    #expect(try await mutex.withLock { $0 } == 0)
  }

  @Test func aBodyOfATaskThatThrowsPoisonsTheLock() async throws {
    let mutex = FiberMutex(0, poisons: true)
    await #expect(throws: Oops(1)) { try await mutex.withLock { _ in throw Oops(1) } }
    await #expect(throws: PoisonedLockError.self) { try await mutex.withLock { _ in } }
    try await mutex.withLock(repairs: true) { $0 = 5 }
    #expect(try await mutex.withLock { $0 } == 5)
  }

  @Test func tasksReadTogetherAndWriteAlone() async throws {
    let lock = ReadWriteLock(0)
    let readers = Barrier(2)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<2 { group.addTask { try await lock.withReadLock { _ in try await readers.wait() } } }
      try await group.waitForAll()
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<50 {
            try await lock.withWriteLock { state in
              let before = state
              await Task.yield()
              state = before + 1
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await lock.withReadLock { $0 } == 200)
    try await lock.withReadLock { _ in
      try await lock.withReadLock { _ in }
      _ = await #expect(throws: UpgradeError.self) { try await lock.withWriteLock { _ in } }
    }
    try await lock.withWriteLock { _ in
      _ = await #expect(throws: RelockError.self) { try await lock.withReadLock { _ in } }
    }
  }

  @Test func noMoreTasksThanPermitsRunTheirBodies() async throws {
    let semaphore = FiberSemaphore(2)
    let running = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          try await semaphore.withPermits {
            #expect(running.add() <= 2)
            await Task.yield()
            running.add(-1)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(semaphore.freeCount == 2)
  }

  @Test func tasksOfOneActorSwap() async throws {
    try await Swappers().run()
  }
}

/// Two tasks that can run only one after the other: neither may wait for the other after they have met.
private actor Swappers {
  private let desk = SwapChannel<String>()

  func run() async throws {
    let first = Task { try await desk.swap("a long value of the first one") }
    let second = Task { try await choose(desk.swapOp("the second's"), Op.never) }
    #expect(try await first.value == "the second's")
    #expect(try await second.value == "a long value of the first one")
    let third = Task { try await desk.swap("lost") }
    third.cancel()
    await #expect(throws: CancellationError.self) { try await third.value }
  }
}
