/// Runs `body`, and cancels it when the time is over.
///
/// After the deadline every blocking call in the body, and in nurseries opened there, throws `CancellationError`. When
/// the body has ended that way, this call throws `TimeoutError`. If the body still returns a value, this call returns
/// it.
///
/// - Throws: `TimeoutError` for its own deadline only: an outer scope's cancellation stays a `CancellationError`, and
///   an inner timeout's error is passed on as it is.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func withTimeout<Result>(
  _ duration: Duration, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result {
  try ScopeRef.within(SourceSite(file: file, line: line)) { scope in
    scope.setTimeout(duration)
    if let result = try run(body, in: scope) { return result }
    throw scope.timeoutError(after: duration)
  }
}

/// Runs `body`, and cancels it when the time is over; returns nil if that ended it.
///
/// - Throws: the body's errors.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func withTimeoutOrNil<Result>(
  _ duration: Duration, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result? {
  try ScopeRef.within(SourceSite(file: file, line: line)) { scope in
    scope.setTimeout(duration)
    return try run(body, in: scope)
  }
}

/// Runs `body`, and cancels it at an instant of the fiber clock.
///
/// - Throws: `TimeoutError` for its own deadline only; otherwise the body's errors.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func withDeadline<Result>(
  _ deadline: FiberClock.Instant, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result {
  try ScopeRef.within(SourceSite(file: file, line: line)) { scope in
    scope.setDeadline(deadline)
    if let result = try run(body, in: scope) { return result }
    throw scope.timeoutError(after: nil)
  }
}

/// Nil if the scope's deadline ended the body.
@inlinable
func run<Result>(_ body: () throws -> Result, in scope: ScopeRef) throws -> Result? {
  do {
    let result = try body()
    scope.close(isAsked: false)
    return result
  } catch {
    scope.close()
    if isTimeout(error, of: scope) { return nil }
    throw error
  }
}

/// The cancellation of an enclosing scope takes precedence: it may have ended the body.
@usableFromInline
func isTimeout(_ error: any Error, of scope: ScopeRef) -> Bool {
  error is CancellationError && scope.reason == .deadline && !scope.isParentCancelled
}

extension ScopeRef {
  @usableFromInline
  func setTimeout(_ duration: Duration) { setDeadline(after: duration.nanosecondsClamped) }

  @usableFromInline
  func setDeadline(_ deadline: FiberClock.Instant) { setDeadline(deadline.nanoseconds) }

  /// The error of a timeout whose deadline has ended this scope, which is closed.
  @usableFromInline
  func timeoutError(after duration: Duration?) -> TimeoutError {
    TimeoutError(after: duration, at: site, recordTimeout())
  }
}
