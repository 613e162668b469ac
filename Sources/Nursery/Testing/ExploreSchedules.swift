/// Which schedules of a body to run.
public enum ExplorationStrategy: Sendable, Hashable {
  /// Every schedule there is, depth first, up to a number of them.
  case exhaustive(limit: Int)
  /// This many random ones; the seed determines them.
  case random(count: Int, seed: UInt64)
  /// The one that a failure named.
  case replay(String)
}

/// What an exploration has covered.
public struct ExplorationReport: Sendable, Hashable {
  /// How many schedules were run.
  public let schedules: Int
  /// Whether these were all there are.
  public let isExhausted: Bool
  /// The most choices that one schedule offered.
  public let deepest: Int
}

/// A schedule under which a body failed.
public struct ExplorationFailure: Error, CustomStringConvertible {
  /// What went wrong: the body's error, a `DeadlockError`, or one of the explorer's own findings.
  public let error: any Error
  /// Reproduces the schedule: `exploreSchedules(.replay("..."))`.
  public let replay: String
  /// How many schedules had passed before.
  public let passed: Int

  /// The error and how to see it again.
  public var description: String {
    "\(error)\n  under schedule \(passed + 1); to run it again: exploreSchedules(.replay(\"\(replay)\")) { ... }"
  }
}

/// What is wrong with a body as such.
public enum ExplorationError: Error, Hashable, CustomStringConvertible {
  /// The same decisions led elsewhere than before: the body depends on something else, such as time, chance or other threads.
  case nondeterministic
  /// One schedule made more decisions than allowed: the body may be spinning.
  case tooLong(decisions: Int)

  /// What is wrong, and what to look for.
  public var description: String {
    switch self {
    case .nondeterministic:
      "the body is not deterministic: the same schedule offered other choices the second time; look for clocks, random numbers, plain threads and state kept between runs"
    case .tooLong(let decisions):
      "one schedule took more than \(decisions) decisions; look for a loop that yields without waiting, or raise maximumDecisions"
    }
  }
}

/// Runs `body` as the root fiber of a deterministic scheduler, once for each of many schedules.
///
/// Every blocking call is a scheduling point: any fiber that can run may run next, and any ready branch of a choice may be the one. Time is
/// virtual. The code under test is the production code; nothing is swapped. The body is run from the beginning each time, so it must make
/// its own channels and state. What it finds wrong it throws.
///
///     try exploreSchedules {
///       let numbers = Channel<Int>()
///       try withNursery { nursery in
///         nursery.goAsync { try numbers.send(1) }
///         guard try numbers.receive() == 1 else { throw Wrong() }
///       }
///     }
///
/// - Throws: `ExplorationFailure` for the first schedule under which the body throws, deadlocks, is not deterministic or does not end.
/// - Returns: what was covered.
@discardableResult
public func exploreSchedules(
  _ strategy: ExplorationStrategy = .exhaustive(limit: 100_000), maximumDecisions: Int = 10_000,
  _ body: () throws -> Void
) throws -> ExplorationReport {
  var explorer = ScheduleExplorer(maximumDecisions: maximumDecisions)
  switch strategy {
  case .exhaustive(let limit):
    while explorer.passed < limit {
      try explorer.run(body)
      guard explorer.turnToNext() else { return explorer.report(isExhausted: true) }
    }
    return explorer.report(isExhausted: false)
  case .random(let count, let seed):
    for index in 0..<count { try explorer.run(body, tail: SeededNumbers(seed: seed &+ UInt64(index))) }
    return explorer.report(isExhausted: false)
  case .replay(let text):
    explorer.prefix = Schedule(replaying: text).choices
    try explorer.run(body)
    return explorer.report(isExhausted: false)
  }
}
