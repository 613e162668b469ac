/// Runs `body` again and again, cancelling it at its first blocking call, then at its second, and so on until it has
/// fewer.
///
/// The body runs in a nursery in a cancel scope of a deterministic scheduler. The calls of all fibers count that are
/// spawned inside, and the cancellation reaches them all. After each run `check` is called, in no cancelled scope, with
/// what the body prepared: there it looks whether anything was lost, taken twice or left open, and throws if so. The
/// body's own `CancellationError` is expected; any other error of its is a failure, and so is what `exploreSchedules`
/// counts as one: a deadlock, something left behind, no end.
///
///     try exploreCancellations {
///       Channel<Int>(.bounded(1))
///     } body: { numbers in
///       try numbers.send(1)
///       try sleep(for: .seconds(1))
///     } check: { numbers, isCompleted in
///       ...
///     }
///
/// - Parameters:
///   - strategy: the schedules under which each of the calls is cancelled; if none is given, the one in which every
///     fiber runs until it
///     waits. A limit or count is that of the schedules for one call.
///   - call: the number of the one call to cancel, from 1, to reproduce a failure; nil for one after the other.
///   - maximumDecisions: how many decisions and yields one run may take.
///   - onSuppressedError: is given the errors of `body` that no caller is left to catch; without it they are dropped.
/// - Throws: `CancellationInjectionFailure` with the number of the call, the schedule and the error.
/// - Returns: how many blocking calls there are, under the schedule that has most, each of which has been cancelled.
@available(*, noasync, message: "it blocks its thread; call it in a function that is not async")
@discardableResult
public func exploreCancellations<State>(
  _ strategy: ExplorationStrategy = .replay(""), at call: Int? = nil, maximumDecisions: Int = 10_000,
  onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in }, _ prepare: () throws -> State,
  body: (State) throws -> Void,
  check: (State, _ isCompleted: Bool) throws -> Void
) throws -> Int {
  var current = call ?? 1
  precondition(current > 0, "exploreCancellations(at: \(current)): blocking calls are numbered from 1")
  while true {
    let injection = CancellationInjection(at: current)
    var explorer = ScheduleExplorer(
      maximumDecisions: maximumDecisions, injection: injection, onSuppressedError: onSuppressedError)
    do {
      _ = try explorer.explore(strategy) {
        injection.begin()
        let state = try prepare()
        let completed: Void? = try withCancelScope { scope in
          injection.arm(scope)
          defer { injection.disarm() }
          try withNursery { _ in try body(state) }
        }
        try check(state, completed != nil)
      }
    } catch let failure as ExplorationFailure {
      throw CancellationInjectionFailure(
        error: failure.error, call: current, wasCancelled: injection.hasFired, replay: failure.replay)
    }
    if !injection.hasEverFired { return current - 1 }
    if call != nil { return current }
    current += 1
  }
}

/// A body that does not take a cancellation well.
public struct CancellationInjectionFailure: Error, CustomStringConvertible {
  /// What the check, or the body, threw; or what else was found wrong.
  public let error: any Error
  /// The number of the blocking call at which everything was cancelled, from 1.
  public let call: Int
  /// Whether there was such a call; if not, the body fails without any cancellation.
  public let wasCancelled: Bool
  /// Reproduces the schedule: `exploreCancellations(.replay("..."), at: call)`.
  public let replay: String

  /// The error, where it was injected, and how to see it again.
  public var description: String {
    let place =
      wasCancelled
      ? "when cancelled at blocking call \(call)" : "without a cancellation: there is no blocking call \(call)"
    return "\(error)\n  \(place); to run it again: exploreCancellations(.replay(\"\(replay)\"), at: \(call)) { ... }"
  }
}
