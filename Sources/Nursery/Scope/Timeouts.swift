/// A deadline of `withTimeout`, `withDeadline` or `orTimeout` passed before the work was done.
public struct TimeoutError: Error, Hashable, CustomStringConvertible {
  /// The time that was allowed; nil for a deadline given as an instant.
  public let duration: Duration?

  /// Creates the error.
  public init(after duration: Duration? = nil) {
    self.duration = duration
  }

  /// "timed out after 2.0 seconds".
  public var description: String { duration.map { "timed out after \($0)" } ?? "the deadline has passed" }
}

/// Runs `body`, cancelling it when the time is over.
///
/// When the deadline passes, every blocking call in the body, and in nurseries opened there, throws `CancellationError`; this
/// call throws `TimeoutError` once the body has ended that way. A body that returns a value all the same has its value returned.
///
/// - Throws: `TimeoutError` for its own deadline only: an outer scope's cancellation stays a `CancellationError`, and an inner
///   timeout's error is passed on as it is.
@discardableResult
public func withTimeout<Result>(_ duration: Duration, _ body: () throws -> Result) throws -> Result {
  guard let result = try withTimeoutOrNil(duration, body) else { throw TimeoutError(after: duration) }
  return result
}

/// Runs `body`, cancelling it when the time is over; nil if that ended it.
///
/// - Throws: what the body throws otherwise.
@discardableResult
public func withTimeoutOrNil<Result>(_ duration: Duration, _ body: () throws -> Result) throws -> Result? {
  let me = Performer.current()
  return try withDeadline(saturatingAdd(me.now, duration.nanosecondsClamped), me, body)
}

/// Runs `body`, cancelling it at an instant of the fiber clock.
///
/// - Throws: `TimeoutError` for its own deadline only; otherwise what the body throws.
@discardableResult
public func withDeadline<Result>(_ deadline: FiberClock.Instant, _ body: () throws -> Result) throws -> Result {
  guard let result = try withDeadline(deadline.nanoseconds, Performer.current(), body) else { throw TimeoutError() }
  return result
}

/// Nil if the deadline ended the body.
private func withDeadline<Result>(
  _ deadline: Int64, _ me: FiberRef, _ body: () throws -> Result
) throws -> Result? {
  let scope = ScopeRef.open(host: me)
  defer { scope.free() }
  scope.setDeadline(deadline, on: me)
  do {
    let result = try body()
    scope.close()
    return result
  } catch {
    scope.close()
    // A cancelled surrounding takes precedence: what ended the body may have been meant for all of it.
    if error is CancellationError, case .deadline? = scope.reason, !scope.isParentCancelled { return nil }
    throw error
  }
}

/// Runs `body` deaf to the cancellation of scopes around it; for work that must be finished, such as a farewell to a peer.
///
/// Timeouts opened inside still apply. Give it one: nothing else ends a shielded wait.
@discardableResult
public func withShield<Result>(_ body: () throws -> Result) throws -> Result {
  let scope = ScopeRef.open(host: Performer.current(), isShielded: true)
  defer { scope.free() }
  defer { scope.close() }
  return try body()
}

/// The operation that commits once the current scope is cancelled: the innermost one around that is not a shield.
///
/// Inside that scope a perform throws `CancellationError` instead, so this is for shielded work that wants to know, and for
/// fibers outside the scope to which it is handed.
public func cancellationOp() -> Op<Void> { Performer.current().cancellationOp() }

extension Op {
  /// This operation, or `TimeoutError` if it has not committed when the time is over.
  ///
  /// Zero or negative: tried once.
  @inlinable
  public func orTimeout(after duration: Duration) -> Op<Value> {
    or(timeoutOp(after: duration).wrap { throw TimeoutError(after: duration) })
  }
}
