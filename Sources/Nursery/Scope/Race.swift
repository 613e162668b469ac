/// Runs the contenders against each other, each in a fiber, and returns the value of the first that ends.
///
/// The others are cancelled, and have ended when this returns.
///
///     let page = try race({ try fetch(from: mirror) }, { try fetch(from: origin) })
///
/// The first contender that ends without a value decides the race too: its error is thrown, also a `CancellationError` of its own. If a
/// loser fails on its way out, that failure is thrown in place of the value, as from any nursery.
///
/// The contenders are whole fibers: one may have taken something, from a channel for instance, when another wins, and what it
/// took goes with it. Where that must not be, `choose` between operations instead, of which exactly one happens.
///
/// A cancellation point. Of no contenders at all it waits until the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func race<Value: Sendable>(
  _ contenders: [@Sendable () throws -> Value], file: StaticString = #fileID, line: UInt = #line
) throws -> Value {
  if contenders.isEmpty { return try Op.never.perform() }
  return try withNursery("race", file: file, line: line) { nursery in
    let fibers = contenders.map { nursery.goAsync(file: file, line: line, $0) }
    let value = try inCompletionOrder(fibers).receive().wait()
    nursery.cancel("the race is decided")
    return value
  }
}

/// Runs the contenders against each other and returns the value of the first that ends; see the form that takes an array.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func race<Value: Sendable>(
  _ contenders: @Sendable () throws -> Value..., file: StaticString = #fileID, line: UInt = #line
) throws -> Value {
  try race(contenders, file: file, line: line)
}
