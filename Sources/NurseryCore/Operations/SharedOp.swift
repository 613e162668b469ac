/// An operation that may be shared: stored in a `Sendable` type, captured by several children, sent over a channel.
///
/// An `Op` is not `Sendable`, because it may hold closures and values that are not. A `SharedOp` holds the recipe
/// instead, which is `@Sendable`, and makes the operation anew for every perform, like a guard: once a perform, before
/// anything is polled.
///
///     struct Server: Sendable { let quit: SharedOp<Void> }
///
///     let quit = SharedOp { stop.waitOp() }
///     try choose(requests.receiveOp(), quit.op.wrap { .quit })
public struct SharedOp<Value>: Sendable {
  @usableFromInline let make: @Sendable () throws -> Op<Value>

  /// Creates a shared operation; `make` is not called before a perform.
  ///
  /// An error that `make` throws, the perform throws; then nothing has committed.
  @inlinable
  public init(_ make: @escaping @Sendable () throws -> Op<Value>) {
    self.make = make
  }

  /// The operation, to be performed, chosen among, wrapped and limited like any other.
  @inlinable
  public var op: Op<Value> { .guarded(make) }

  /// Waits until the operation commits and returns its value.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; otherwise whatever the committed branch, or
  ///   `make`, throws.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func perform() throws -> Value { try op.perform() }

  /// Commits the operation if that is possible without waiting; nil if it is not.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled, otherwise whatever the committed branch, or
  ///   `make`, throws.
  @inlinable
  public func poll() throws -> Value? { try op.poll() }
}
