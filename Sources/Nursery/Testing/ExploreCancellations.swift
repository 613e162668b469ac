/// Runs `body` again and again, cancelling it at its first blocking call, then at its second, and so on until it has fewer.
///
/// The body runs in a cancel scope of a deterministic scheduler, under the first schedule. After each run `check` is called, in no cancelled
/// scope, with what the body prepared: there it looks whether anything was lost, taken twice or left open, and throws if so. The
/// body's own `CancellationError` is expected; any other error of its is a failure.
///
///     try exploreCancellations {
///       Channel<Int>(.bounded(1))
///     } body: { numbers in
///       try numbers.send(1)
///       try sleep(for: .seconds(1))
///     } check: { numbers, isCompleted in
///       ...
///     }
///
/// - Throws: `CancellationInjectionFailure` with the number of the call and the error.
/// - Returns: how many blocking calls there are, each of which has been cancelled once.
@discardableResult
public func exploreCancellations<State>(
  _ prepare: () throws -> State, body: (State) throws -> Void,
  check: (State, _ isCompleted: Bool) throws -> Void
) throws -> Int {
  var call = 1
  while true {
    let injection = CancellationInjection(at: call)
    var configuration = Configuration(parallelism: 1, clock: .virtual, seed: 0)
    let decisions = Decisions(willBlock: { injection.willBlock() }, decide: { _ in 0 })
    configuration.makeDecisions = { decisions }
    do {
      try runFibers(configuration) {
        let state = try prepare()
        let completed: Void? = try withCancelScope { scope in
          injection.arm(scope)
          defer { injection.disarm() }
          try body(state)
        }
        try check(state, completed != nil)
      }
    } catch {
      throw CancellationInjectionFailure(error: error, call: call)
    }
    if !injection.hasFired { return call - 1 }
    call += 1
  }
}

/// A body that does not take a cancellation well.
public struct CancellationInjectionFailure: Error, CustomStringConvertible {
  /// What the check, or the body, threw.
  public let error: any Error
  /// The number of the blocking call at which everything was cancelled, from 1.
  public let call: Int

  /// The error and where it was injected.
  public var description: String { "\(error)\n  when cancelled at blocking call \(call)" }
}

/// Cancels a scope at one of the blocking calls.
private final class CancellationInjection {
  private var scope: CancelScope?
  private var remaining: Int
  private(set) var hasFired = false

  init(at call: Int) {
    remaining = call
  }

  func arm(_ scope: CancelScope) { self.scope = scope }
  func disarm() { scope = nil }

  func willBlock() {
    guard let scope, !hasFired else { return }
    remaining -= 1
    guard remaining == 0 else { return }
    hasFired = true
    scope.cancel("injected")
  }
}
