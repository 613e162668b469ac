/// Runs `body`, cancelling it when the time is over.
///
/// When the deadline passes, every blocking call in the body, and in nurseries opened there, throws `CancellationError`; this
/// call throws `TimeoutError` once the body has ended that way. A body that returns a value all the same has its value returned.
///
/// - Throws: `TimeoutError` for its own deadline only: an outer scope's cancellation stays a `CancellationError`, and an inner
///   timeout's error is passed on as it is.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withTimeout<Result>(
  _ duration: Duration, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result {
  guard let result = try withTimeoutOrNil(duration, file: file, line: line, body) else {
    throw TimeoutError(after: duration, file: file, line: line)
  }
  return result
}

/// Runs `body`, cancelling it when the time is over; nil if that ended it.
///
/// - Throws: what the body throws otherwise.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withTimeoutOrNil<Result>(
  _ duration: Duration, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result? {
  let scope = ScopeRef.open(host: Performer.current(), ScopeTraits(file: file, line: line))
  scope.setDeadline(after: duration.nanosecondsClamped)
  return try run(body, in: scope)
}

/// Runs `body`, cancelling it at an instant of the fiber clock.
///
/// - Throws: `TimeoutError` for its own deadline only; otherwise what the body throws.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withDeadline<Result>(
  _ deadline: FiberClock.Instant, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
) throws -> Result {
  let scope = ScopeRef.open(host: Performer.current(), ScopeTraits(file: file, line: line))
  scope.setDeadline(deadline.nanoseconds)
  guard let result = try run(body, in: scope) else { throw TimeoutError(after: nil, file: file, line: line) }
  return result
}

/// Nil if the scope's deadline ended the body.
private func run<Result>(_ body: () throws -> Result, in scope: ScopeRef) throws -> Result? {
  defer { scope.free() }
  do {
    let result = try body()
    scope.close()
    return result
  } catch {
    scope.close()
    // A cancelled surrounding takes precedence: what ended the body may have been meant for all of it.
    if error is CancellationError, scope.reason == .deadline, !scope.isParentCancelled { return nil }
    throw error
  }
}
