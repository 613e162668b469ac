/// Ticks on a grid of instants that does not drift, however long the work between two ticks takes.
///
///     for tick in Ticker(every: .seconds(1)) {
///       if tick.skipped > 0 { print("\(tick.skipped) seconds were missed") }
///       try report()
///     }
///
/// A ticker holds a timer only while a fiber waits for a tick, so one that is not used costs nothing, and does not keep
/// a virtual clock going. Fibers that wait at the same time get the same tick.
public final class Ticker: Sendable {
  /// What becomes of ticks that came while no fiber waited.
  public enum Missed: Sendable, Hashable {
    /// They are counted and left out; the next tick keeps the grid.
    case skip
    /// They follow at once, one after the other.
    case burst
    /// The tick that is late comes at once, and the grid begins anew from there.
    case delay
  }

  /// One tick.
  public struct Tick: Sendable, Hashable {
    /// The instant of the grid at which it was due.
    public let due: FiberClock.Instant
    /// How many ticks before it were left out.
    public let skipped: Int
  }

  /// The time between two ticks.
  public let period: Duration
  private let missed: Missed
  private let next: Protected<FiberClock.Instant>

  /// Creates a ticker whose first tick is due after one period, or at `first`.
  ///
  /// A period of zero or less is a mistake that traps.
  public init(every period: Duration, from first: FiberClock.Instant? = nil, missed: Missed = .skip) {
    require(period > .zero, "Ticker(every: \(period)): it would tick without end; write a period longer than zero")
    self.period = period
    self.missed = missed
    next = Protected(first ?? FiberClock.now + period)
  }

  /// Waits for the next tick and takes it.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; no tick is lost then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @discardableResult
  public func wait() throws -> Tick {
    let due = next.withLock { $0 }
    try sleep(until: due)
    return take(due)
  }

  /// The operation that commits at the next tick, and takes it.
  public func tickOp() -> Op<Tick> {
    .guarded { [self] in
      let due = next.withLock { $0 }
      return sleepOp(until: due).wrap { [self] in take(due) }
    }
  }

  /// Begins the grid anew: the next tick is due one period from now.
  public func reset() {
    let first = FiberClock.now + period
    next.withLock { $0 = first }
  }

  /// The tick that a fiber has waited for, and those that are late already; moves the grid on.
  private func take(_ due: FiberClock.Instant) -> Tick {
    let now = FiberClock.now
    return next.withLock { next in
      // Another fiber has waited for the same tick, or the grid has begun anew.
      guard next == due else { return Tick(due: due, skipped: 0) }
      switch missed {
      case .burst:
        next = due + period
        return Tick(due: due, skipped: 0)
      case .delay:
        next = now + period
        return Tick(due: due, skipped: 0)
      case .skip:
        let skipped = Int((now - due) / period)
        let latest = due + period * skipped
        next = latest + period
        return Tick(due: latest, skipped: skipped)
      }
    }
  }
}

extension Ticker: Sequence {
  /// Waits for one tick after the other; ends in a cancelled scope only.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func makeIterator() -> AnyIterator<Tick> { AnyIterator { try? self.wait() } }
}

extension Ticker: CustomStringConvertible {
  /// "the ticker of every 1.0 seconds".
  public var description: String { "the ticker of every \(period)" }
}
