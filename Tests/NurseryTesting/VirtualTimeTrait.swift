import Nursery
import Testing

/// Lets the runs of fibers in a test, which are given no configuration, be deterministic and on a virtual clock.
///
///     @Test(.virtualTime) func retriesAfterAnHour() throws {
///       try withNursery { nursery in ... }
///     }
///
/// Their `Configuration` is `.deterministic(seed:)`: waiting takes no time, the seed decides which fiber runs next, and
/// a test whose fibers all wait fails at once with a `DeadlockError` that lists them. On a suite it applies to each test
/// inside. It changes `withNursery`, plain and awaited, and `runFibers`; what a test does outside of them is on the
/// system's clock.
public struct VirtualTimeTrait: TestTrait, SuiteTrait, TestScoping {
  /// Decides which fiber runs next.
  public let seed: UInt64

  /// The tests inside a suite have it, too.
  public var isRecursive: Bool { true }

  /// Calls the test with the configuration bound.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await TestRuns.current.withValue(TestRuns(.deterministic(seed: seed))) { try await function() }
  }
}

extension Trait where Self == VirtualTimeTrait {
  /// Virtual time, and the schedule of seed 1.
  public static var virtualTime: Self { virtualTime(seed: 1) }

  /// Virtual time, and the schedule of this seed.
  public static func virtualTime(seed: UInt64) -> Self { VirtualTimeTrait(seed: seed) }
}
