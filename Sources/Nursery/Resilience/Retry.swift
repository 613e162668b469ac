/// Calls `body` until it succeeds, with pauses between the attempts.
///
///     let page = try retry(.exponential(attempts: 5)) { _ in
///       try withTimeout(.seconds(2)) { try fetch(address) }
///     }
///
/// A cancellation is never retried: neither that of the current scope, nor a `CancellationError` or
/// `NurseryCancelledError` of the body. It gives up early if the next attempt would begin at or after the deadline of
/// a scope around, as it could not end.
///
/// A cancellation point between two attempts.
///
/// - Parameters:
///   - schedule: how many attempts there are, and the pauses between them.
///   - isTransient: whether an error may go away by itself; errors of which it says no are thrown at once.
///   - body: called with the number of the attempt, from 1.
/// - Throws: the error of the last attempt, as it is; its `FailureTrace` tells of the attempts before.
///   `CancellationError` if the current scope is cancelled during a pause.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func retry<Value>(
  _ schedule: RetrySchedule, if isTransient: (any Error) -> Bool = { _ in true },
  _ body: (_ attempt: Int) throws -> Value
) throws -> Value {
  var attempt = 1
  var earlier: [any Error] = []
  while true {
    do {
      return try body(attempt)
    } catch {
      guard attempt < schedule.attempts, !isCancellation(error), !Fiber.isCancelled, isTransient(error),
        let next = instantOfNext(schedule.pause(after: attempt))
      else {
        for (index, failure) in earlier.enumerated() { FailureTrace.note(error, .attempt(index + 1, "\(failure)")) }
        throw error
      }
      // A trace holds no more steps than this.
      if earlier.count < 60 { earlier.append(error) }
      attempt += 1
      try sleep(until: next)
    }
  }
}

/// When the next attempt may begin; nil if a deadline around comes first.
private func instantOfNext(_ pause: Duration) -> FiberClock.Instant? {
  let next = FiberClock.now + pause
  guard let deadline = Fiber.deadline, next >= deadline else { return next }
  return nil
}

/// Whether an error says that work was cancelled, which no repetition mends.
func isCancellation(_ error: any Error) -> Bool { error is CancellationError || error is NurseryCancelledError }
