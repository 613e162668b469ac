/// A handle for a child of a nursery: waits for it, cancels it and identifies it.
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

  /// Whether it has ended: none of its code runs any more.
  public var isFinished: Bool { core.isEnded }

  /// Waits until the fiber has ended and returns its value.
  ///
  /// A cancellation point.
  ///
  /// - Throws: the error with which the fiber ended; `CancellationError` also if the current scope is cancelled.
  ///   Catching an error here does not undo the failure of a `.failFast` nursery: handle it inside the child, or
  ///   supervise.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func wait() throws -> Value { try core.wait() }

  /// The operation that commits when the fiber has ended, with the fiber's value or error.
  @inlinable
  public func waitOp() -> Op<Value> { core.waitOp() }

  /// Waits until the fiber has ended and returns its result.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, never the fiber's own error.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func result() throws -> Result<Value, any Error> {
    try waitOp().wrap { Result.success($0) }.recover { .failure($0) }.perform()
  }

  /// Cancels this fiber alone: every blocking call in it throws `CancellationError`.
  ///
  /// Never blocks. A fiber that ends with `CancellationError` does not fail its nursery.
  public func cancel() { core.cancel() }

  /// Cancels this fiber alone, and waits until it has ended.
  ///
  /// A cancellation point: if the current scope is cancelled meanwhile, the fiber has still been cancelled, and may
  /// still run. `result()` returns how it ended.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, never the fiber's own error.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func cancelAndWait() throws { try cancelAndWaitOp().perform() }

  /// The operation whose perform cancels this fiber alone, and which commits when the fiber has ended.
  ///
  /// The fiber is cancelled even if another branch of the choice commits.
  public func cancelAndWaitOp() -> Op<Void> {
    .guarded {
      cancel()
      return waitOp().wrap { _ in }.recover { _ in }
    }
  }

  /// Valid while its nursery is open.
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

  /// Why the current scope is cancelled: the reason of the innermost enclosing scope that was itself cancelled; nil if
  /// none was.
  public static var cancellationReason: CancellationReason? { Performer.current().cancellationReason }

  /// Whether the current scope is cancelled.
  public static var isCancelled: Bool { Performer.current().isCancelled }

  /// The instant at which the current scope is cancelled by its own deadline or that of an enclosing scope; nil for
  /// none.
  public static var deadline: FiberClock.Instant? { Performer.current().deadline }

  /// Whether an enclosing nursery has been asked to finish.
  public static var isDraining: Bool { Performer.current().scope.isDraining }

  /// The running fiber; nil on a plain thread.
  public static var current: FiberIdentity? { FiberIdentity(Performer.current()) }
}
