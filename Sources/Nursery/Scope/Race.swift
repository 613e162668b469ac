/// Runs the contenders, each in a fiber, and returns the value of the first that ends.
///
/// The others are cancelled, and have ended when this returns.
///
///     let page = try race({ try fetch(from: mirror) }, { try fetch(from: origin) })
///
/// If the first contender that ends has no value, its error is thrown, also a `CancellationError` of its own. If a
/// loser fails while it unwinds, that failure is thrown in place of the value, as from any nursery.
///
/// The contenders are whole fibers: when another wins, a contender may have taken an element from a channel, for
/// instance, and the element is lost. If that must not happen, `choose` between operations; exactly one of them
/// happens.
///
/// A cancellation point. Without contenders it waits until the current scope is cancelled.
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

/// Runs the contenders and returns the value of the first that ends; see the overload that takes an array.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func race<Value: Sendable>(
  _ contenders: @Sendable () throws -> Value..., file: StaticString = #fileID, line: UInt = #line
) throws -> Value {
  try race(contenders, file: file, line: line)
}
