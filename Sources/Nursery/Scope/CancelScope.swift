/// A part of a fiber's work that can be cancelled on its own.
///
/// Good until `withCancelScope` returns; afterwards cancelling it does nothing.
public final class CancelScope: @unchecked Sendable {
  private let scope: ScopeRef

  fileprivate init(_ scope: ScopeRef) {
    self.scope = scope
  }

  deinit { scope.free() }

  /// Cancels the scope: every blocking call in it throws `CancellationError` until it exits.
  ///
  /// The first reason is kept.
  public func cancel(_ reason: String? = nil) { scope.cancel(.requested(reason)) }

  /// Whether this scope, or one around it, has been cancelled.
  public var isCancelled: Bool { scope.isCancelled }

  fileprivate func run<Result>(_ body: (CancelScope) throws -> Result) throws -> Result? {
    do {
      let result = try body(self)
      scope.close()
      return result
    } catch {
      scope.close()
      if error is CancellationError, scope.reason != nil, !scope.isParentCancelled { return nil }
      throw error
    }
  }
}

/// Runs `body` in a scope that can be cancelled on its own, from anywhere it is handed to.
///
/// - Returns: the body's value; nil when the scope's own cancellation ended the body.
/// - Throws: what the body throws otherwise; an outer scope's cancellation passes through.
@discardableResult
public func withCancelScope<Result>(_ body: (CancelScope) throws -> Result) throws -> Result? {
  try CancelScope(ScopeRef.open(host: Performer.current())).run(body)
}
