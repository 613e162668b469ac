/// Runs `body` repeatedly, and cancels it at its first blocking call, then at its second, and so on to its last.
///
/// The body runs in a nursery in a cancel scope of a deterministic scheduler. The calls of all fibers that are spawned
/// inside count, and the cancellation reaches all of them. After each run `check` is called, outside the cancelled
/// scope, with the prepared value. It checks whether anything was lost, taken twice or left open, and throws if so. The
/// body's own `CancellationError` is expected. Any other error is a failure, and so are the failures of
/// `exploreSchedules`: a deadlock, something left behind, no end.
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
///   - strategy: the schedules under which each call is cancelled; by default the one in which every fiber runs until
///     it waits. A limit or count applies to each call.
///   - call: the number of the one call to cancel, from 1, to reproduce a failure; nil for each in turn.
///   - maximumDecisions: how many decisions and yields one run may take.
///   - onSuppressedError: receives errors of `body` that no caller is left to catch; without it they are dropped.
/// - Throws: `CancellationInjectionFailure` with the number of the call, the schedule and the error.
/// - Returns: the largest number of blocking calls under one schedule; each of them has been cancelled.
@available(*, noasync, message: "it blocks its thread; call it in a function that is not async")
@discardableResult
public func exploreCancellations<State>(
  _ strategy: ExplorationStrategy = .replay(""), at call: Int? = nil, maximumDecisions: Int = 10_000,
  onSuppressedError: @escaping @Sendable (any Error) -> Void = { _ in }, _ prepare: () throws -> State,
  body: (State) throws -> Void,
  check: (State, _ isCompleted: Bool) throws -> Void
) throws -> Int {
  var current = call ?? 1
  require(current > 0, "exploreCancellations(at: \(current)): blocking calls are numbered from 1")
  while true {
    let injection = CancellationInjection(at: current)
    var explorer = try ScheduleExplorer(
      strategy, maximumDecisions: maximumDecisions, injection: injection, onSuppressedError: onSuppressedError)
    do {
      _ = try explorer.explore {
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

/// A body that failed when it was cancelled.
public struct CancellationInjectionFailure: Error, CustomStringConvertible {
  /// The error that the check or the body threw, or the explorer's finding.
  public let error: any Error
  /// The number, from 1, of the blocking call that was cancelled.
  public let call: Int
  /// Whether the run reached that call; if not, the body fails without any cancellation.
  public let wasCancelled: Bool
  /// Reproduces the schedule: `exploreCancellations(.replay("..."), at: call)`.
  public let replay: String

  /// The error, the call that was cancelled, and how to reproduce it.
  public var description: String {
    let place =
      wasCancelled
      ? "when cancelled at blocking call \(call)" : "without a cancellation: there is no blocking call \(call)"
    return "\(error)\n  \(place); to run it again: exploreCancellations(.replay(\"\(replay)\"), at: \(call)) { ... }"
  }
}
