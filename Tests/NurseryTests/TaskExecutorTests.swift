import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A task's executor is user code, which runs whenever the task is resumed.
struct TaskExecutorTests {
  /// Each way in which a task is committed: a send, a close, a signal, a fiber's end, a cancelled scope, a timer, a
  /// permit.
  @Test func aTasksExecutorMayCallTheLibrary() async throws {
    let executor = CallingExecutor()
    let elements = Channel<Int>()
    let closing = Channel<Int>()
    let condition = Condition()
    let readiness = Readiness("a test")
    let isReady = Counter()
    let permits = PermitQueue(0, "a test")
    let tasks = Log<Task<Void, any Error>>()
    let start = { (body: @escaping @Sendable () async throws -> Void) in
      tasks.append(Task(executorPreference: executor, operation: body))
    }
    start { _ = try await elements.receive() }
    start { _ = try await closing.next() }
    start { try await condition.wait() }
    start { try await sleep(for: .milliseconds(1)) }
    start { try await permits.takeOp(1).perform() }
    start { try await readiness.whenReadyOp { isReady.value > 0 ? () : nil }.perform() }
    try synchronously {
      try runFibers(Configuration(parallelism: 1)) {
        try withNursery { nursery in
          let gate = Condition()
          let fiber = nursery.goAsync { try gate.wait() }
          start { try await fiber.waitOp().perform() }
          let drained = Box(nursery.drainingOp())
          start { try await drained.value.perform() }
          try withCancelScope { scope in
            let cancelled = Box(scope.cancelledOp())
            start { try await cancelled.value.perform() }
            // All but the timer's task wait, or find what they wait for at once.
            try sleep(for: .milliseconds(20))
            scope.cancel()
          }
          gate.signal()
          nursery.drain(grace: .seconds(60))
        }
        try elements.send(1)
        closing.close()
        condition.signal()
        permits.give(1)
        isReady.add()
        readiness.signal()
      }
    }
    for task in tasks.entries { try await task.value }
    #expect(executor.calls.value >= tasks.entries.count)
    executor.joinThreads()
  }
}

/// Calls the library whenever it is given a job, and runs the job on a thread of its own.
private final class CallingExecutor: TaskExecutor {
  let calls = Counter()
  private let condition = Condition()
  private let channel = Channel<Int>(.bounded(1))
  private let threads = Log<PlainThread<Void>>()

  func enqueue(_ job: consuming ExecutorJob) {
    calls.add()
    condition.signal()
    _ = try? channel.trySend(1)
    _ = channel.tryReceive()
    let job = UnownedJob(job)
    threads.append(PlainThread { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) })
  }

  /// Called after the end of all tasks.
  ///
  /// The thread of the last job may not have been entered yet: the job can end before `enqueue` goes on.
  func joinThreads() {
    while threads.entries.count < calls.value { sched_yield() }
    for thread in threads.entries { try? thread.join() }
  }
}
