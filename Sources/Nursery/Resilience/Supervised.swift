/// Calls `body` again whenever it fails, unless it fails too often.
///
///     nursery.goAsync("feed") {
///       try supervised(restarts: 5, within: .seconds(60)) { try followFeed() }
///     }
///
/// As an Erlang supervisor's restart intensity: if `restarts` restarts lie within the last `period` when it fails
/// again, the failure ends the call, and with it the fiber, whose nursery decides what happens then. So failures go up
/// the tree until they reach a level that can mend them. A body that returns is not called again. A cancellation ends
/// the call.
///
/// A cancellation point before each restart.
///
/// - Parameters:
///   - restarts: how many are allowed within a period, from 0.
///   - period: how long a restart counts.
///   - pause: how long to pause before a restart.
///   - onRestart: is told of each failure that a restart follows.
///   - body: what is called.
/// - Throws: the last failure; `CancellationError`.
/// - Returns: what the body returns.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func supervised<Value>(
  restarts: Int, within period: Duration, pause: Duration = .zero, onRestart: (any Error) -> Void = { _ in },
  _ body: () throws -> Value
) throws -> Value {
  require(restarts >= 0, "supervised(restarts: \(restarts)): write 0 or more")
  var instants: [FiberClock.Instant] = []
  while true {
    do {
      return try body()
    } catch {
      let now = FiberClock.now
      instants.removeAll { $0 + period <= now }
      if isCancellation(error) || Fiber.isCancelled || instants.count >= restarts { throw error }
      instants.append(now)
      onRestart(error)
      try sleep(for: pause)
    }
  }
}
