import Synchronization

/// The operation that calls `body` on an event loop of others, and commits when it has returned.
///
///     let size = try hop(postingBy: { DispatchQueue.main.async(execute: $0) }) { window.size }
///
/// The fiber is parked meanwhile. An error of `body` is thrown as it is. For an actor write
/// `asyncOp { await actor.method() }`.
///
/// Each perform posts once, and only once it has to wait. If another branch commits or the performer is cancelled before
/// the loop has called `body`, it is not called any more. If it has begun, the perform returns when it has ended; its
/// value is dropped then, and an error is reported as suppressed.
///
/// - Parameters:
///   - post: has the loop call the closure that it is given, once; an error that it throws is the operation's.
///   - body: called on the loop's thread.
public func hopOp<Value: Sendable>(
  postingBy post: @escaping @Sendable (_ call: @escaping @Sendable () -> Void) throws -> Void,
  _ body: @escaping @Sendable () throws -> Value
) -> Op<Value> {
  .guarded {
    let call = AsyncCall<Value> { ended in
      let hop = Hop()
      do {
        try post { if hop.take() { ended(Result { try body() }) } }
      } catch {
        if hop.take() { ended(.failure(error)) }
      }
      return { if hop.take() { ended(.failure(CancellationError())) } }
    }
    return Op(base: call).onAbandon { call.giveUp(.awaits) }.wrap { try $0.get() }
  }
}

/// Calls `body` on an event loop of others, and returns what it returns; see `hopOp`.
///
/// A cancellation point.
///
/// - Throws: what `body` or `post` throws; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "in async code, await the loop's own way, or 'hopOp(postingBy:) { }.perform()'")
@discardableResult
public func hop<Value: Sendable>(
  postingBy post: @escaping @Sendable (_ call: @escaping @Sendable () -> Void) throws -> Void,
  _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
  try hopOp(postingBy: post, body).perform()
}

/// Lets the first of three end a hop: the loop's call, its refusal, or the cancellation.
private final class Hop: Sendable {
  private let isTaken = Atomic<Bool>(false)

  func take() -> Bool { !isTaken.exchange(true, ordering: .acquiringAndReleasing) }
}
