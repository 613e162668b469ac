import Synchronization

/// Waits for every fiber and returns their values in the order of the arguments.
///
/// A cancellation point.
///
/// - Throws: the error of the first one, in that order, that failed; `CancellationError` if the current scope is
///   cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func waitAll<Value>(_ fibers: [Fiber<Value>]) throws -> [Value] { try fibers.map { try $0.wait() } }

/// Waits for every fiber and returns their values in the order of the arguments.
///
/// A cancellation point.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func waitAll<Value>(_ fibers: Fiber<Value>...) throws -> [Value] { try waitAll(fibers) }

/// Waits for whichever fiber ends first and returns its value, or throws its error; the others run on.
///
/// A cancellation point.
///
/// Without fibers it waits until the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func waitFirst<Value>(_ fibers: [Fiber<Value>]) throws -> Value {
  try Op.choice(fibers.map { $0.waitOp() }).perform()
}

/// Waits for whichever fiber ends first and returns its value, or throws its error; the others run on.
///
/// A cancellation point.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@inlinable
public func waitFirst<Value>(_ fibers: Fiber<Value>...) throws -> Value { try waitFirst(fibers) }

/// A channel that yields the fibers in the order in which they end, and is closed after the last.
///
///     for fiber in inCompletionOrder(downloads) {
///       show(try fiber.wait())
///     }
///
/// Never blocks; receiving from the channel does. The fibers in it have ended: `wait()` returns or throws at once.
/// Takes time and memory in proportion to the number of fibers.
public func inCompletionOrder<Value>(_ fibers: [Fiber<Value>]) -> Channel<Fiber<Value>> {
  let ended = Channel<Fiber<Value>>(.bounded(max(1, fibers.count)))
  let remaining = Countdown(fibers.count) { ended.close() }
  for fiber in fibers {
    fiber.core.body.whenEnded {
      // The channel has room for all fibers, and the last one closes it.
      _ = try? ended.trySend(fiber)
      remaining.countDown()
    }
  }
  return ended
}

/// Calls a closure when it has been counted down to zero, on the fiber that counts last.
private final class Countdown: Sendable {
  private let count: Atomic<Int>
  private let action: @Sendable () -> Void

  init(_ count: Int, _ action: @escaping @Sendable () -> Void) {
    self.count = Atomic(count)
    self.action = action
    if count == 0 { action() }
  }

  func countDown() {
    if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { action() }
  }
}
