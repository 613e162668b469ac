/// Runs `body` shielded from the cancellation of enclosing scopes; for work that must be finished, such as a last
/// message to a peer.
///
/// Timeouts opened inside still apply. Use one, because nothing else ends a shielded wait.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withShield<Result>(_ body: () throws -> Result) throws -> Result {
  try ScopeRef.shielding(body)
}

/// The operation that commits once the current scope, the innermost enclosing scope that is not a shield, is cancelled.
///
/// Inside that scope a perform throws `CancellationError` instead. So it is for shielded work that must notice a
/// cancellation, and for fibers outside the scope.
public func cancellationOp() -> Op<Void> { Performer.current().cancellationOp() }
