import Nursery
import Synchronization
import Testing

/// Calls a test once for each of many schedules; see `exploreSchedules`.
///
///     @Test(.explored(.exhaustive(limit: 1000))) func eachOrderArrivesOnce() throws {
///       try withNursery { nursery in ... }
///     }
///
/// The test opens its nursery without a configuration, and makes its own channels and state, anew at each call. The
/// first schedule under which it throws, records an issue, deadlocks or leaves something behind fails it, and the issue
/// says how to run that schedule again. Issues are recorded in a second run under that schedule, so whatever the test
/// does outside happens once more.
public struct ExploredTrait: TestTrait, SuiteTrait, TestScoping {
  /// Which schedules to run.
  public let strategy: ExplorationStrategy
  /// How many decisions and yields one schedule may take.
  public let maximumDecisions: Int

  /// The tests inside a suite have it, too.
  public var isRecursive: Bool { true }

  /// Calls the test until a schedule fails or there is none left.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    var explorer = try ScheduleExplorer(strategy, maximumDecisions: maximumDecisions)
    while let configuration = explorer.begin() {
      let call = await call(test, testCase, configuration, function) { _ in nil }
      if Task.isCancelled {
        if let error = call.error { throw error }
        return
      }
      if call.runs == 0, call.error == nil {
        Issue.record(
          "the test ran no fibers that could be explored; call withNursery or runFibers in it, without a configuration",
          sourceLocation: test.sourceLocation)
        return
      }
      do {
        try explorer.end(call.error ?? (call.issues > 0 ? RecordedIssue() : nil))
      } catch let failure as ExplorationFailure {
        return try await report(failure, hasIssues: call.issues > 0, test, testCase, function)
      }
    }
  }

  /// Lets the test fail; if an issue was recorded, by a second call.
  private func report(
    _ failure: ExplorationFailure, hasIssues: Bool, _ test: Test, _ testCase: Test.Case?,
    _ function: @Sendable () async throws -> Void
  ) async throws {
    let comment: Comment =
      "under schedule \(failure.passed + 1); to run it again: @Test(.explored(.replay(\"\(failure.replay)\")))"
    guard hasIssues else {
      Issue.record(failure.error, comment, sourceLocation: test.sourceLocation)
      return
    }
    var explorer = try ScheduleExplorer(.replay(failure.replay), maximumDecisions: maximumDecisions)
    guard let configuration = explorer.begin() else { return }
    let call = await call(test, testCase, configuration, function) { issue in
      var issue = issue
      issue.comments.append(comment)
      return issue
    }
    if call.issues == 0 {
      Issue.record(
        "an issue was recorded in one run, but not in a second one under the same schedule; look for clocks, random numbers, plain threads and state kept between runs",
        sourceLocation: test.sourceLocation)
    }
    if let error = call.error { throw error }
  }

  private struct Call {
    var error: (any Error)?
    var issues = 0
    var runs = 0
  }

  /// Calls the test once, and has `handle` decide what becomes of its issues.
  private func call(
    _ test: Test, _ testCase: Test.Case?, _ configuration: Configuration, _ function: @Sendable () async throws -> Void,
    _ handle: @escaping @Sendable (Issue) -> Issue?
  ) async -> Call {
    let runs = TestRuns(configuration, isExclusive: true)
    let issues = IssueCount()
    let handling = IssueHandlingTrait.compactMapIssues { issue in
      if !issue.isKnown { issues.add() }
      return handle(issue)
    }
    var call = Call()
    do {
      try await TestRuns.current.withValue(runs) {
        try await handling.provideScope(for: test, testCase: testCase, performing: function)
      }
    } catch {
      call.error = error
    }
    call.issues = issues.count
    call.runs = runs.count
    return call
  }
}

/// Stands for an issue that the test has recorded.
private struct RecordedIssue: Error {}

extension Issue {
  /// Whether `withKnownIssue` expects it.
  ///
  /// Swift Testing knows, and does not say it publicly.
  fileprivate var isKnown: Bool {
    guard let context = Mirror(reflecting: self).descendant("knownIssueContext") else { return false }
    let mirror = Mirror(reflecting: context)
    return mirror.displayStyle == .optional && !mirror.children.isEmpty
  }
}

private final class IssueCount: Sendable {
  private let value = Atomic(0)

  var count: Int { value.load(ordering: .relaxed) }
  func add() { value.add(1, ordering: .relaxed) }
}

extension Trait where Self == ExploredTrait {
  /// Every schedule, as long as there are not more than ten thousand.
  public static var explored: Self { explored() }

  /// The schedules of a strategy.
  public static func explored(
    _ strategy: ExplorationStrategy = .exhaustive(limit: 10_000), maximumDecisions: Int = 10_000
  ) -> Self {
    ExploredTrait(strategy: strategy, maximumDecisions: maximumDecisions)
  }
}
