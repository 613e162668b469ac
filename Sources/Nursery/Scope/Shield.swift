/// Runs `body` deaf to the cancellation of scopes around it; for work that must be finished, such as a farewell to a peer.
///
/// Timeouts opened inside still apply. Give it one: nothing else ends a shielded wait.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withShield<Result>(_ body: () throws -> Result) throws -> Result {
  try ScopeRef.shielding(body)
}

/// The operation that commits once the current scope is cancelled: the innermost one around that is not a shield.
///
/// Inside that scope a perform throws `CancellationError` instead, so this is for shielded work that wants to know, and for
/// fibers outside the scope to which it is handed.
public func cancellationOp() -> Op<Void> { Performer.current().cancellationOp() }
