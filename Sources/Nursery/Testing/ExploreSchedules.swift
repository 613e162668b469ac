/// What an exploration has covered.
public struct ExplorationReport: Sendable, Hashable {
  /// How many schedules were run.
  public let schedules: Int
  /// Whether these were all there are, or all with as few preemptions as allowed; never where the body has waited for
  /// something outside the scheduler (`OutsideWakeup`, `blocking`, a descriptor).
  public let isExhausted: Bool
  /// The most choices that one schedule offered.
  public let deepest: Int
}

/// Runs `body` as the root fiber of a deterministic scheduler, once for each of many schedules.
///
/// Every blocking call is a scheduling point: any fiber that can run may run next, and any ready branch of a choice may
/// be the one. Time is virtual. The code under test is the production code; nothing is swapped. The body is run from
/// the beginning each time, so it must make its own channels and state, and keep nothing of them. What it finds wrong
/// it throws.
///
///     try exploreSchedules {
///       let numbers = Channel<Int>()
///       try withNursery { nursery in
///         nursery.goAsync { try numbers.send(1) }
///         guard try numbers.receive() == 1 else { throw Wrong() }
///       }
///     }
///
/// - Parameters:
///   - strategy: which schedules to run.
///   - maximumDecisions: how many decisions and yields one schedule may take.
///   - onSuppressedError: is given the errors of `body` that no caller is left to catch, as
///     `Configuration.onSuppressedError`; without it
///     they are dropped.
/// - Throws: `ExplorationFailure` for the first schedule under which the body throws, deadlocks, leaves something
///   behind, is not deterministic or does not end.
/// - Returns: what was covered.
@available(*, noasync, message: "it blocks its thread; call it in a function that is not async")
@discardableResult
public func exploreSchedules(
  _ strategy: ExplorationStrategy = .exhaustive(limit: 100_000), maximumDecisions: Int = 10_000,
  onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in }, _ body: () throws -> Void
) throws -> ExplorationReport {
  var explorer = ScheduleExplorer(maximumDecisions: maximumDecisions, onSuppressedError: onSuppressedError)
  return try explorer.explore(strategy, body)
}
