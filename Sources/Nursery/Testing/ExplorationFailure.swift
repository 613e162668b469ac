/// A schedule under which a body failed.
public struct ExplorationFailure: Error, CustomStringConvertible {
  /// What went wrong: the body's error, a `DeadlockError`, or one of the explorer's own findings.
  public let error: any Error
  /// Reproduces the schedule: `exploreSchedules(.replay("..."))`.
  public let replay: String
  /// How many schedules passed before this one.
  public let passed: Int

  /// The error and how to reproduce it.
  public var description: String {
    "\(error)\n  under schedule \(passed + 1); to run it again: exploreSchedules(.replay(\"\(replay)\")) { ... }"
  }
}

/// The explorer's own findings about a body.
public enum ExplorationError: Error, Hashable, CustomStringConvertible {
  /// The same decisions led to a different run: the body depends on something else, such as time, chance or other
  /// threads.
  case nondeterministic
  /// One schedule made more decisions and yields than allowed: the body may be spinning.
  case tooLong(decisions: Int)
  /// The body had ended, but something was left: fibers with a handle that is still held, stacks of coroutines and of
  /// generators' iterators, or timers.
  case leak(fibers: [String], stacks: Int, timers: Int)
  /// The string given to `.replay` is not a schedule.
  case unreadableReplay(String)

  /// The finding, and what to look for.
  public var description: String {
    switch self {
    case .nondeterministic:
      "the body is not deterministic: the same schedule offered other choices the second time; "
        + "look for clocks, random numbers, plain threads and state kept between runs"
    case .tooLong(let decisions):
      "one schedule took more than \(decisions) decisions; "
        + "look for a loop that yields without waiting, or raise maximumDecisions"
    case .unreadableReplay(let text):
      "\"\(text)\" names no schedule; copy the string that the failure prints, such as \"1.0*5.2\""
    case .leak(let fibers, let stacks, let timers):
      "left when the body had ended: "
        + Self.leftovers(fibers, stacks, timers).joined(separator: "; ")
        + "; keep handles, coroutines and iterators in variables of the body, and break reference cycles that hold them"
    }
  }

  private static func leftovers(_ fibers: [String], _ stacks: Int, _ timers: Int) -> [String] {
    var parts = fibers.map { "\($0), whose handle is still held" }
    if stacks > 0 { parts.append("\(counted(stacks, "stack")) of coroutines or of generators' iterators, not dropped") }
    if timers > 0 { parts.append("\(counted(timers, "timer")), still set") }
    return parts
  }

  private static func counted(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }
}
