extension Nursery {
  /// Spawns a child that runs `body` and returns its handle; the child starts when the caller next waits, or on another worker.
  ///
  /// Not a cancellation point, and never switches. A child of a cancelled nursery never runs: its `wait()` throws `CancellationError`.
  /// Spawning into a nursery that has closed is a mistake that traps. Allocates one object, and the closure's context if it captures
  /// anything.
  @inlinable
  @discardableResult
  public func goAsync<Value: Sendable>(
    _ name: String? = nil, _ body: consuming sending @escaping () throws -> Value
  ) -> Fiber<Value> {
    Fiber(scope.spawn(name, body))
  }
}

/// Spawns a child into the nursery around: the innermost one that is open on the calling fiber.
///
/// Outside any nursery this is a mistake that traps.
@inlinable
@discardableResult
public func goAsync<Value: Sendable>(
  _ name: String? = nil, _ body: consuming sending @escaping () throws -> Value
) -> Fiber<Value> {
  Fiber(ambientNursery().spawn(name, body))
}

/// Spawns a child into the nursery around and waits for its result: `body` on a stack of its own.
///
/// A cancellation point.
@inlinable
@discardableResult
public func goAndWait<Value: Sendable>(
  _ name: String? = nil, _ body: consuming sending @escaping () throws -> Value
) throws -> Value {
  try goAsync(name, body).wait()
}

@usableFromInline
func ambientNursery() -> ScopeRef {
  guard let nursery = Performer.current().scope.ambientNursery else {
    fatalError("goAsync outside any nursery; write withNursery { nursery in nursery.goAsync { ... } }")
  }
  return nursery
}

/// Waits for every fiber and returns their values in the order of the arguments.
///
/// A cancellation point.
///
/// - Throws: the error of the first one, in that order, that failed; `CancellationError` if the current scope is cancelled.
@inlinable
public func waitAll<Value>(_ fibers: [Fiber<Value>]) throws -> [Value] { try fibers.map { try $0.wait() } }

/// Waits for every fiber and returns their values in the order of the arguments.
///
/// A cancellation point.
@inlinable
public func waitAll<Value>(_ fibers: Fiber<Value>...) throws -> [Value] { try waitAll(fibers) }

/// Waits for whichever fiber ends first and returns its value, or throws its error; the others run on.
///
/// A cancellation point.
///
/// Of no fibers at all it waits until the current scope is cancelled.
@inlinable
public func waitFirst<Value>(_ fibers: [Fiber<Value>]) throws -> Value {
  try Op.choice(fibers.map { $0.waitOp() }).perform()
}

/// Waits for whichever fiber ends first and returns its value, or throws its error; the others run on.
///
/// A cancellation point.
@inlinable
public func waitFirst<Value>(_ fibers: Fiber<Value>...) throws -> Value { try waitFirst(fibers) }
