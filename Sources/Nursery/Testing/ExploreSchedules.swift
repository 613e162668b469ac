/// The extent of an exploration.
public struct ExplorationReport: Sendable, Hashable {
  /// How many schedules were run.
  public let schedules: Int
  /// Whether every schedule within the bound on preemptions was run.
  ///
  /// False if the body waited for something outside the scheduler (`OutsideWakeup`, `blocking`, a descriptor).
  public let isExhausted: Bool
  /// The largest number of choices in one schedule.
  public let deepest: Int
}

/// Runs `body` as the root fiber of a deterministic scheduler, once for each of many schedules.
///
/// Every blocking call is a scheduling point: any runnable fiber may run next, and any ready branch of a choice may
/// commit. Time is virtual. The code under test is the production code; nothing is replaced. Each run begins anew, so
/// the body must make its own channels and state, and keep none of them. If it finds a mistake it throws.
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
///   - onSuppressedError: receives errors of `body` that no caller is left to catch, as
///     `Configuration.onSuppressedError`; without it they are dropped.
/// - Throws: `ExplorationFailure` for the first schedule under which the body throws, deadlocks, leaves something
///   behind, is not deterministic or does not end.
/// - Returns: the extent of the exploration.
@available(*, noasync, message: "it blocks its thread; call it in a function that is not async")
@discardableResult
public func exploreSchedules(
  _ strategy: ExplorationStrategy = .exhaustive(limit: 100_000), maximumDecisions: Int = 10_000,
  onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in }, _ body: () throws -> Void
) throws -> ExplorationReport {
  var explorer = try ScheduleExplorer(
    strategy, maximumDecisions: maximumDecisions, injection: nil, onSuppressedError: onSuppressedError)
  return try explorer.explore(body)
}
