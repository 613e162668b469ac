import Nursery
import Testing

/// Ends a test that hangs, with an issue that says what each of its fibers waits for.
///
///     @Test(.timeout(.seconds(5))) func theServerEnds() throws { ... }
///
/// When the time is over, the issue is recorded with the `FiberDump`, and the test is cancelled: its task, and every
/// `withNursery` and `runFibers` that goes on in it. If it has not ended when the grace is over, because its fibers
/// compute, or because a plain thread waits, a second dump is written to standard error and the process ends with a
/// failure. A thread of its own watches the time, so this works while the test blocks every thread of Swift's pool.
/// Measured by the system's clock, also where the fibers are on a virtual one.
public struct TimeoutTrait: TestTrait, SuiteTrait, TestScoping {
  /// How long a test may take.
  public let limit: Duration
  /// How long it may take to end when it has been cancelled.
  public let grace: Duration

  /// The tests inside a suite have it, too, each by itself.
  public var isRecursive: Bool { true }

  /// Calls the test, and watches it meanwhile.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let location = test.sourceLocation
    try await watch(test.name, { Issue.record(Comment(rawValue: $0), sourceLocation: location) }, function)
  }

  /// - Parameter record: called with the text of the issue, on the watching thread, with the caller's task-locals.
  package func watch(
    _ name: String, _ record: @escaping @Sendable (String) -> Void, _ function: @Sendable () async throws -> Void
  ) async throws {
    let runs = TestRuns()
    try await withoutActuallyEscaping(function) { function in
      let body = Body(function)
      let timeLimit = TimeLimit(name, self, runs, record)
      // A task of its own: the one that runs the tests goes on when this one is cancelled. Time passes once it has a
      // thread, which other tests may hold for long.
      let task = Task {
        timeLimit.begin()
        try await TestRuns.current.withValue(runs) { try await body.run() }
      }
      timeLimit.willCancel(task)
      let result = await withTaskCancellationHandler {
        await task.result
      } onCancel: {
        task.cancel()
      }
      let hasExpired = timeLimit.end()
      do {
        try result.get()
      } catch  where hasExpired && (error is CancellationError || error is NurseryCancelledError) {
        // The issue says why.
      }
    }
  }
}

/// A function that does not escape: nothing of it is left when the task that runs it has ended.
private final class Body: Sendable {
  private let function: Protected<(@Sendable () async throws -> Void)?>

  init(_ function: @escaping @Sendable () async throws -> Void) { self.function = Protected(function) }

  func run() async throws {
    let function = function.withLock { $0.take() }
    try await function?()
  }
}

extension Trait where Self == TimeoutTrait {
  /// Ends the test with a dump of its fibers after this time.
  public static func timeout(_ limit: Duration, grace: Duration = .seconds(5)) -> Self {
    TimeoutTrait(limit: limit, grace: grace)
  }
}
