/// A part of a fiber's work that can be cancelled on its own, by itself or at a deadline.
///
/// Good until `withCancelScope` returns; afterwards cancelling it, or moving its deadline, does nothing. Any fiber or thread may be
/// handed it.
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

  /// Why this scope itself was cancelled; nil while it was not, and when only a scope around it was.
  public var reason: CancellationReason? { scope.reason }

  /// Whether this scope, or one around it, has been cancelled.
  public var isCancelled: Bool { scope.isCancelled }

  /// The instant at which the scope cancels itself; nil for never.
  ///
  /// May be moved, or taken away, at any time and from anywhere: a watchdog is fed by moving the deadline of the scope it watches. An
  /// instant that has passed cancels at once. Setting it does not block, and does nothing once the scope has been cancelled or has
  /// ended: a deadline that has fired cannot be called back.
  public var deadline: FiberClock.Instant? {
    get {
      let deadline = scope.deadline
      return deadline == .max ? nil : FiberClock.Instant(nanoseconds: deadline)
    }
    set { scope.setDeadline(newValue?.nanoseconds ?? .max) }
  }

  /// The operation that commits once this scope, or one around it, has been cancelled.
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

/// Runs `body` in a scope that can be cancelled on its own, from anywhere it is handed to.
///
///     let found = try withCancelScope { search in
///       button.onPress { search.cancel("the user has lost patience") }
///       return try crawl()
///     }
///
/// - Parameters:
///   - deadline: the instant at which the scope cancels itself; `scope.deadline` moves it. Nil for none.
///   - body: what is run; it is handed the scope.
/// - Returns: the body's value; nil when the scope's own cancellation, its deadline included, ended the body.
/// - Throws: what the body throws otherwise; an outer scope's cancellation passes through.
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
