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
  @inlinable
  public func wait() throws -> Value { try core.wait() }

  /// The operation that commits when the fiber has ended; its value is the fiber's, its error the fiber's.
  @inlinable
  public func waitOp() -> Op<Value> { Op(core) }

  /// Waits until the fiber has ended and returns how.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, never the fiber's own error.
  @inlinable
  public func result() throws -> Result<Value, any Error> {
    try waitOp().wrap { Result.success($0) }.recover { .failure($0) }.perform()
  }

  /// Cancels this fiber alone: every blocking call in it throws `CancellationError`.
  ///
  /// Never blocks.
  ///
  /// That ends it without failing the nursery.
  public func cancel() { core.cancel() }
}

extension Fiber where Value == Never {
  /// Lets the other fibers of this worker run first.
  ///
  /// Not a cancellation point; on a plain thread it does nothing.
  public static func yield() { Performer.yield() }

  /// Throws `CancellationError` if the current scope is cancelled; for long computations that never wait.
  public static func checkCancellation() throws {
    if isCancelled { throw CancellationError() }
  }

  /// Whether the current scope is cancelled.
  public static var isCancelled: Bool { Performer.isCancelledByNow() }

  /// The running fiber; nil on a plain thread.
  public static var current: FiberIdentity? { FiberIdentity(Performer.current()) }
}

/// Which fiber it is: for logs and messages.
public struct FiberIdentity: Sendable, Hashable, Identifiable, CustomStringConvertible {
  /// A number that no other fiber of this process has; zero for a root fiber.
  public let id: UInt64
  /// The name given when it was spawned.
  public let name: String?
  /// The names of the nurseries around it: "server/connections".
  public let nurseryPath: String

  init?(_ record: FiberRef) {
    guard record.runsOnScheduler else { return nil }
    id = record.id
    name = record.name
    nurseryPath = record.scope.path
  }

  /// "fiber \"reader\" in server/connections".
  public var description: String {
    let who = name.map { "fiber \"\($0)\"" } ?? (id == 0 ? "the root fiber" : "fiber #\(id)")
    return nurseryPath.isEmpty ? who : "\(who) in \(nurseryPath)"
  }
}
