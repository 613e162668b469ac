extension Nursery {
  /// Spawns a child that runs `body` and returns its handle.
  ///
  /// The child begins when the caller next waits, or on another worker.
  ///
  /// Not a cancellation point, and never switches: in a nursery with a limit, a child beyond it waits for its turn. A
  /// child of a cancelled nursery never runs: its `wait()` throws `CancellationError`. Traps if the nursery has closed.
  /// Allocates the closure's context, if it captures anything; the rest is reused from fibers that have ended.
  ///
  /// - Parameters:
  ///   - name: shown in dumps and messages.
  ///   - daemon: whether the child only serves the others: it is cancelled and awaited when they have ended, and does
  ///     not count against the nursery's limit. If it fails, its nursery fails.
  ///   - placement: the worker on which the child begins and stays; `.spread` for children that compute, or serve
  ///     connections. Nil for the nursery's placement.
  @inlinable
  @discardableResult
  public func goAsync<Value: Sendable>(
    _ name: String?, daemon: Bool = false, placement: Placement? = nil, file: StaticString = #fileID,
    line: UInt = #line,
    _ body: consuming sending @escaping () throws -> Value
  ) -> Fiber<Value> {
    record.spawnChild(name, daemon: daemon, placement, SourceSite(file: file, line: line), body)
  }

  /// Spawns a child without a name; see the overload with a name.
  @inlinable
  @discardableResult
  public func goAsync<Value: Sendable>(
    daemon: Bool = false, placement: Placement? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: consuming sending @escaping () throws -> Value
  ) -> Fiber<Value> {
    record.spawnChild(nil, daemon: daemon, placement, SourceSite(file: file, line: line), body)
  }
}

extension Nursery {
  /// Spawns several children with the same body, spread over the workers, for a pool that takes its work from a
  /// channel.
  ///
  ///     nursery.workers(8) { for page in pages { try render(page) } }
  ///
  /// - Parameters:
  ///   - count: how many; traps if it is less than 1.
  ///   - name: shown in dumps and messages.
  ///   - body: called on each child, at the same time on several threads.
  /// - Returns: their handles.
  @inlinable
  @discardableResult
  public func workers<Value: Sendable>(
    _ count: Int, _ name: String? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable () throws -> Value
  ) -> [Fiber<Value>] {
    require(count > 0, "workers(\(count)): no child would run; write 1 or more")
    return (0..<count).map { _ in goAsync(name, placement: .spread, file: file, line: line, body) }
  }
}

extension NurseryRef {
  @inlinable
  func spawnChild<Value>(
    _ name: String?, daemon: Bool, _ placement: Placement?, _ site: SourceSite,
    _ body: consuming sending @escaping () throws -> Value
  ) -> Fiber<Value> {
    let home = daemon ? daemonNursery() : self
    return Fiber(home.spawn(name, site, placement: placement, body))
  }
}

/// Spawns a child into the ambient nursery, the innermost one that is open on the calling fiber; see `Nursery.goAsync`.
///
/// Traps outside any nursery.
@inlinable
@discardableResult
public func goAsync<Value: Sendable>(
  _ name: String?, daemon: Bool = false, placement: Placement? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: consuming sending @escaping () throws -> Value
) -> Fiber<Value> {
  ambientNursery("goAsync").spawnChild(name, daemon: daemon, placement, SourceSite(file: file, line: line), body)
}

/// Spawns a child without a name into the ambient nursery; see the overload with a name.
@inlinable
@discardableResult
public func goAsync<Value: Sendable>(
  daemon: Bool = false, placement: Placement? = nil, file: StaticString = #fileID, line: UInt = #line,
  _ body: consuming sending @escaping () throws -> Value
) -> Fiber<Value> {
  ambientNursery("goAsync").spawnChild(nil, daemon: daemon, placement, SourceSite(file: file, line: line), body)
}

/// Calls `body` on a separate fiber with its own stack, and returns its value.
///
/// An ordinary call: the fiber runs in the caller's current scope, is cancelled with it, and has ended when this
/// returns or throws. Its error is thrown to the caller only, and fails no nursery. A bare `goAsync` in it spawns into
/// the caller's nursery, and the nursery's limit does not count the fiber. A cancellation point: in a cancelled scope
/// `body` never runs.
///
/// - Throws: the errors of `body`; `CancellationError` if the current scope is cancelled on entry.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func goAndWait<Value: Sendable>(
  _ name: String?, file: StaticString = #fileID, line: UInt = #line,
  _ body: consuming sending @escaping () throws -> Value
) throws -> Value {
  try callOnFiber(name, SourceSite(file: file, line: line), body)
}

/// Calls `body` on a separate fiber without a name; see the overload with a name.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
@discardableResult
public func goAndWait<Value: Sendable>(
  file: StaticString = #fileID, line: UInt = #line, _ body: consuming sending @escaping () throws -> Value
) throws -> Value {
  try callOnFiber(nil, SourceSite(file: file, line: line), body)
}

@inlinable
func callOnFiber<Value>(
  _ name: String?, _ site: SourceSite, _ body: consuming sending @escaping () throws -> Value
) throws -> Value {
  let call = try openCall(site)
  let core = call.spawn(name, site, body)
  endCall(call)
  return try core.outcome()
}

/// A nursery for the one child: it waits for the child, passes on the cancellation, and keeps the failure from the
/// enclosing nursery.
@usableFromInline
func openCall(_ site: SourceSite) throws -> NurseryRef {
  let host = Performer.enter()
  if host.isCancelled { throw CancellationError() }
  _ = ambientNursery("goAndWait")
  return .open(host: host, site, NurseryRecord.Traits(supervises: true))
}

@usableFromInline
func endCall(_ call: NurseryRef) {
  call.joinChildren(Performer.current())
  call.scope.close()
  call.free()
}

@usableFromInline
func ambientNursery(_ caller: StaticString) -> NurseryRef {
  guard let nursery = Performer.current().scope.ambientNursery else {
    fatalError("\(caller) outside any nursery; write withNursery { nursery in nursery.goAsync { ... } }")
  }
  return nursery
}
