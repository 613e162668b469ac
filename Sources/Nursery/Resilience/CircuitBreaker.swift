/// Stops calling what fails again and again, and tries it now and then.
///
///     let breaker = CircuitBreaker(failures: 5, coolDown: .seconds(10))
///     let price = try breaker.call { try fetchPrice(item) }
///
///     closed: calls pass -- `failures` in a row --> open: calls throw CircuitOpenError
///        ^                                             |    ^
///        |                                        coolDown  | a probe fails
///        |                                             v    |
///        +---- a probe succeeds ---------- half open: up to `probes` calls pass at a time
///
/// A call that is cancelled counts neither as a success nor as a failure, and gives a probe's permit back. So does one
/// that began before the breaker changed its state.
public final class CircuitBreaker: Sendable {
  /// Whether calls pass.
  public enum State: Sendable, Hashable {
    /// Calls pass; so many have failed in a row.
    case closed(failures: Int)
    /// Calls throw until the instant.
    case open(until: FiberClock.Instant)
    /// So many probes are on their way.
    case halfOpen(probes: Int)
  }

  private struct Circuit {
    var state = State.closed(failures: 0)
    /// Counts the changes between closed, open and half open.
    var epoch = 0
  }

  private let failures: Int
  private let coolDown: Duration
  private let probes: Int
  private let circuit = Protected(Circuit())

  /// - Parameters:
  ///   - failures: how many in a row open it, from 1.
  ///   - coolDown: how long it stays open before it lets a probe pass.
  ///   - probes: how many calls may pass at a time while it is half open, from 1.
  public init(failures: Int, coolDown: Duration, probes: Int = 1) {
    require(failures >= 1, "CircuitBreaker(failures: \(failures)): it would never close; write 1 or more")
    require(probes >= 1, "CircuitBreaker(probes: \(probes)): it would never close again; write 1 or more")
    self.failures = failures
    self.coolDown = coolDown
    self.probes = probes
  }

  /// Whether calls pass now.
  public var state: State {
    circuit.withLock { circuit in
      endCoolDown(&circuit)
      return circuit.state
    }
  }

  /// Calls `body` if the breaker lets it pass.
  ///
  /// - Parameters:
  ///   - isFailure: whether an error of the body speaks against what it calls; one of a bad argument does not.
  ///   - body: what is called.
  /// - Throws: `CircuitOpenError` if the call does not pass; what the body throws.
  @discardableResult
  public func call<Value>(if isFailure: (any Error) -> Bool = { _ in true }, _ body: () throws -> Value) throws -> Value
  {
    let epoch = try admit()
    do {
      let value = try body()
      finish(epoch, hasFailed: false)
      return value
    } catch {
      finish(epoch, hasFailed: isCancellation(error) ? nil : isFailure(error))
      throw error
    }
  }

  /// The epoch in which the call passes.
  private func admit() throws -> Int {
    try circuit.withLock { circuit in
      endCoolDown(&circuit)
      switch circuit.state {
      case .closed: break
      case .open(let instant): throw CircuitOpenError(retryAfter: instant - FiberClock.now)
      case .halfOpen(let running):
        guard running < probes else { throw CircuitOpenError(retryAfter: .zero) }
        circuit.state = .halfOpen(probes: running + 1)
      }
      return circuit.epoch
    }
  }

  /// - Parameter hasFailed: nil if the call says nothing about what it called.
  private func finish(_ epoch: Int, hasFailed: Bool?) {
    circuit.withLock { circuit in
      guard circuit.epoch == epoch else { return }
      switch (circuit.state, hasFailed) {
      case (.closed(let count), true?) where count + 1 < failures: circuit.state = .closed(failures: count + 1)
      case (.closed, true?), (.halfOpen, true?): change(&circuit, to: .open(until: FiberClock.now + coolDown))
      case (.closed, false?): circuit.state = .closed(failures: 0)
      case (.halfOpen, false?): change(&circuit, to: .closed(failures: 0))
      case (.halfOpen(let running), nil): circuit.state = .halfOpen(probes: running - 1)
      case (.closed, nil), (.open, _): break
      }
    }
  }

  private func endCoolDown(_ circuit: inout Circuit) {
    if case .open(let instant) = circuit.state, instant <= FiberClock.now { change(&circuit, to: .halfOpen(probes: 0)) }
  }

  private func change(_ circuit: inout Circuit, to state: State) {
    circuit.state = state
    circuit.epoch += 1
  }
}

/// A call was not made, as calls before it have failed.
public struct CircuitOpenError: Error, Hashable, CustomStringConvertible {
  /// How long the breaker stays open; zero if it is half open and all its probes are on their way.
  public let retryAfter: Duration

  /// "the circuit is open for another 3.0 seconds".
  public var description: String {
    retryAfter > .zero
      ? "the circuit is open for another \(retryAfter)" : "the circuit is half open, and its probes are on their way"
  }
}
