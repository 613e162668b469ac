/// A part of a fiber's work that can be cancelled separately, by a call or at a deadline.
///
/// Valid until `withCancelScope` returns; afterwards cancelling it, or moving its deadline, does nothing. Any fiber or
/// thread may use it.
public final class CancelScope: @unchecked Sendable {
  private let scope: ScopeRef

  fileprivate init(_ scope: ScopeRef) {
    self.scope = scope
  }

  deinit { scope.free() }

  /// Cancels the scope: every blocking call in it throws `CancellationError` until it exits.
  ///
  /// Never blocks. The first reason is kept, for `reason` and `Fiber.cancellationReason`.
  public func cancel(_ reason: String? = nil) { scope.cancel(.requested(reason)) }

  /// Why this scope itself was cancelled; nil if it was not, or if only an enclosing scope was.
  public var reason: CancellationReason? { scope.reason }

  /// Whether this scope, or an enclosing one, has been cancelled.
  public var isCancelled: Bool { scope.isCancelled }

  /// The instant at which the scope cancels itself; nil for never.
  ///
  /// Any fiber or thread may move or remove it at any time: a watchdog moves the deadline of its scope at every sign of
  /// life. An instant in the past cancels at once. Setting it does not block. It does nothing once the scope has been
  /// cancelled or has ended: a deadline that has passed cannot be revoked.
  public var deadline: FiberClock.Instant? {
    get {
      let deadline = scope.deadline
      return deadline == .max ? nil : FiberClock.Instant(nanoseconds: deadline)
    }
    set { scope.setDeadline(newValue?.nanoseconds ?? .max) }
  }

  /// The operation that commits once this scope, or an enclosing one, has been cancelled.
  ///
  /// For fibers outside the scope: inside it, a perform throws `CancellationError` instead.
  public func cancelledOp() -> Op<Void> { scope.cancellationOp() }

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

/// Runs `body` in a scope that any fiber or thread can cancel separately.
///
///     let found = try withCancelScope { search in
///       button.onPress { search.cancel("the user has lost patience") }
///       return try crawl()
///     }
///
/// - Parameters:
///   - deadline: the instant at which the scope cancels itself; `scope.deadline` moves it. Nil for none.
///   - body: called with the scope.
/// - Returns: the body's value; nil if the scope's own cancellation, its deadline included, ended the body.
/// - Throws: the body's errors; an outer scope's cancellation passes through.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func withCancelScope<Result>(
  deadline: FiberClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: (CancelScope) throws -> Result
) throws -> Result? {
  let scope = ScopeRef.make(SourceSite(file: file, line: line))
  if let deadline { scope.setDeadline(deadline.nanoseconds) }
  return try CancelScope(scope).run(body)
}
