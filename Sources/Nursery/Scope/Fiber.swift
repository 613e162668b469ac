/// A handle for a child of a nursery: the means to wait for it, to cancel it and to name it.
///
/// Dropping the handle has no effect on the fiber. Handles may be kept after the nursery has closed.
public struct Fiber<Value: Sendable>: Sendable, Identifiable {
  @usableFromInline let core: FiberCore<Value>

  @inlinable
  init(_ core: FiberCore<Value>) {
    self.core = core
  }

  /// A number that no other fiber of this process has.
  public var id: UInt64 { core.record.id }

  /// The name given when it was spawned.
  public var name: String? { core.record.name }

  /// Whether nothing of it runs any more.
  public var isFinished: Bool { core.isEnded }

  /// Waits until the fiber has ended and returns its value.
  ///
  /// A cancellation point.
  ///
  /// - Throws: the error the fiber ended with; `CancellationError` also when the current scope is cancelled. An error
  ///   caught here has failed a `.failFast` nursery all the same: handle it inside the child, or supervise.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func wait() throws -> Value { try core.wait() }

  /// The operation that commits when the fiber has ended; its value is the fiber's, its error the fiber's.
  @inlinable
  public func waitOp() -> Op<Value> { core.waitOp() }

  /// Waits until the fiber has ended and returns how.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, never the fiber's own error.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  @inlinable
  public func result() throws -> Result<Value, any Error> {
    try waitOp().wrap { Result.success($0) }.recover { .failure($0) }.perform()
  }

  /// Cancels this fiber alone: every blocking call in it throws `CancellationError`.
  ///
  /// Never blocks. That ends it without failing the nursery.
  public func cancel() { core.cancel() }

  /// Cancels this fiber alone, and waits until it has ended.
  ///
  /// A cancellation point: if the current scope is cancelled while it waits, the fiber has been cancelled all the same, and may still
  /// run. How it has ended, `result()` tells.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, never the fiber's own error.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func cancelAndWait() throws { try cancelAndWaitOp().perform() }

  /// The operation that, when it is performed, cancels this fiber alone, and commits when it has ended.
  ///
  /// The fiber is cancelled also when another branch of the choice commits.
  public func cancelAndWaitOp() -> Op<Void> {
    .guarded {
      cancel()
      return waitOp().wrap { _ in }.recover { _ in }
    }
  }

  /// Good while its nursery is open.
  var identity: FiberIdentity { FiberIdentity(core.record)! }
  var site: SourceSite { core.record.site }
}

extension Fiber where Value == Never {
  /// Lets the other fibers of this worker run first.
  ///
  /// Not a cancellation point; on a plain thread it does nothing.
  @inlinable
  public static func yield() { Performer.yield() }

  /// Throws `CancellationError` if the current scope is cancelled; for long computations that never wait.
  public static func checkCancellation() throws {
    if isCancelled { throw CancellationError() }
  }

  /// Why the current scope is cancelled: the reason of the innermost one around that was cancelled itself; nil while it is not.
  public static var cancellationReason: CancellationReason? { Performer.current().cancellationReason }

  /// Whether the current scope is cancelled.
  public static var isCancelled: Bool { Performer.current().isCancelled }

  /// Whether the nursery around, or one further out, has been asked to finish.
  public static var isDraining: Bool { Performer.current().scope.isDraining }

  /// The running fiber; nil on a plain thread.
  public static var current: FiberIdentity? { FiberIdentity(Performer.current()) }
}
