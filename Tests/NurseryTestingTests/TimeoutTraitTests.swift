import Nursery
import NurseryTesting
import TestSupport
import Testing

/// A test that takes longer than its limit is ended, and its fibers are named.
struct TimeoutTraitTests {
  @Sendable private static func hang() throws {
    try withNursery("stuck") { nursery in
      let numbers = Channel<Int>()
      nursery.goAsync("reader") { _ = try numbers.receive() }
    }
  }

  private func issues(
    of limit: Duration, _ body: @escaping @Sendable () async throws -> Void
  ) async throws -> [String] {
    let texts = Guarded<[String]>([])
    let trait = TimeoutTrait.timeout(limit, grace: .seconds(3600))
    try await trait.watch("a test", { text in texts.withLock { $0.append(text) } }, body)
    return texts.withLock { $0 }
  }

  @Test func aTestThatHangsIsEndedWithADumpOfItsFibers() async throws {
    let texts = try await issues(of: .seconds(2)) { try synchronously { try Self.hang() } }
    let text = try #require(texts.first)
    #expect(text.hasPrefix("not ended after 2.0 seconds\n"))
    #expect(text.contains("nursery \"stuck\""))
    #expect(text.contains("fiber \"reader\""))
    #expect(text.contains("receive from a Channel<Int>"))
    expectEqual(texts.count, 1)
  }

  @Test func aTestThatAwaitsItsFibersIsEnded() async throws {
    let texts = try await issues(of: .milliseconds(10)) {
      try await withNursery("stuck") { _ in _ = try Channel<Int>().receive() }
    }
    expectEqual(texts.count, 1)
  }

  @Test func aDeterministicTestThatNeverEndsIsEnded() async throws {
    let texts = try await issues(of: .milliseconds(10)) {
      try synchronously { try runFibers(.deterministic(seed: 1)) { while true { try sleep(for: .seconds(1)) } } }
    }
    expectEqual(texts.count, 1)
  }

  @Test func aTestThatBeginsItsFibersTooLateIsEnded() async throws {
    let texts = try await issues(of: .milliseconds(1)) {
      while !Task.isCancelled { await Task.yield() }
      try synchronously { try Self.hang() }
    }
    expectEqual(texts.count, 1)
  }

  @Test func theIssueBelongsToTheTest() async throws {
    try await withKnownIssue {
      let trait = TimeoutTrait.timeout(.milliseconds(1), grace: .seconds(3600))
      try await trait.provideScope(for: try #require(Test.current), testCase: Test.Case.current) {
        try synchronously { try Self.hang() }
      }
    } matching: { issue in
      issue.comments.contains { $0.rawValue.hasPrefix("not ended after") }
    }
  }

  @Test(.timeout(.seconds(3600))) func aTestThatEndsInTimeHasNoIssue() async throws {
    expectEqual(try await issues(of: .seconds(3600)) { try synchronously { try runFibers {} } }, [])
  }

  @Test(.timeout(.seconds(3600)), .virtualTime) func aLimitLeavesTheConfigurationToOtherTraits() throws {
    try withNursery { _ in try sleep(for: .seconds(7200)) }
  }

  @Test func anErrorOfTheTestIsThrown() async throws {
    await #expect(throws: Oops(1)) { try await self.issues(of: .seconds(3600)) { throw Oops(1) } }
  }

  @Test func aTestThatCannotBeCancelledEndsTheProcessWithADump() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let trait = TimeoutTrait.timeout(.milliseconds(200), grace: .milliseconds(200))
      try await trait.watch("computing", { _ in }) {
        try synchronously { try runFibers(Configuration(parallelism: 1)) { while true { Fiber.yield() } } }
      }
    }
    let text = standardError(result)
    #expect(text.contains("computing was cancelled after 0.2 seconds, and has not ended 0.2 seconds later"))
    #expect(text.contains("the root fiber"))
  }

  @Test func aTestThatBlocksAPlainThreadEndsTheProcessWithADump() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let trait = TimeoutTrait.timeout(.milliseconds(200), grace: .milliseconds(200))
      try await trait.watch("blocking", { _ in }) { try synchronously { _ = try Channel<Int>().receive() } }
    }
    #expect(standardError(result).contains("a plain thread"))
  }
}
