/// The clock that fibers live by: monotonic, or virtual where the configuration says so.
///
/// On a fiber of a scheduler with a virtual clock, `now` stands still while any fiber can run and jumps to the next
/// timer when none can. Elsewhere it is the system's monotonic clock.
public struct FiberClock: Sendable {
  /// A point in time of a `FiberClock`, with a resolution of a nanosecond.
  public struct Instant: InstantProtocol {
    package let nanoseconds: Int64

    /// Never later than the last instant: `.max` stands for never.
    package init(nanoseconds: Int64) {
      self.nanoseconds = min(nanoseconds, latestInstant)
    }

    /// The last instant there is, some 292 years after the clock's zero.
    package static var latest: Instant { Instant(nanoseconds: .max) }

    /// The instant a duration later; the first or last instant there is if it would lie beyond.
    public func advanced(by duration: Duration) -> Instant {
      Instant(nanoseconds: saturatingAdd(nanoseconds, duration.nanosecondsClamped))
    }

    /// How much later `other` is.
    public func duration(to other: Instant) -> Duration {
      .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    /// The instant a duration later.
    public static func + (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: duration) }

    /// The instant a duration earlier.
    public static func - (instant: Instant, duration: Duration) -> Instant {
      Instant(nanoseconds: saturatingAdd(instant.nanoseconds, duration.opposite))
    }

    /// How much later the left one is.
    public static func - (left: Instant, right: Instant) -> Duration { right.duration(to: left) }

    /// Orders instants by time.
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
  }

  /// The clock of the calling fiber or thread.
  public init() {}

  /// The current time of the calling fiber or thread.
  public static var now: Instant { Instant(nanoseconds: Performer.current().now) }
}

extension FiberClock: Clock {
  /// The current time of the calling fiber or thread.
  public var now: Instant { Self.now }

  /// A nanosecond.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends the calling task until an instant, for code that is generic over clocks.
  ///
  /// On a fiber, call the function `sleep(until:)`.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    // Outside fibers both clocks are the system's monotonic one.
    let rest = Instant(nanoseconds: System.monotonicNow()).duration(to: deadline)
    try await SuspendingClock().sleep(until: .now.advanced(by: rest), tolerance: tolerance)
  }
}

/// The last instant of a clock, in nanoseconds; one more stands for never.
private let latestInstant = Int64.max - 1

/// The instant so many nanoseconds after `now`; the last one there is if it would lie beyond.
func instant(_ nanoseconds: Int64, after now: Int64) -> Int64 { min(saturatingAdd(now, nanoseconds), latestInstant) }

package func saturatingAdd(_ left: Int64, _ right: Int64) -> Int64 {
  let (sum, overflow) = left.addingReportingOverflow(right)
  return overflow ? (right < 0 ? .min : .max) : sum
}

extension Duration {
  /// Whole nanoseconds, rounded up so that nothing fires early, clamped to what 64 bits hold.
  ///
  /// Inlined, so that of a constant nothing is left but the number.
  @inlinable
  package var nanosecondsClamped: Int64 {
    let (nanoseconds, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return Int64(clamping: nanoseconds + (rest > 0 ? 1 : 0))
  }

  /// The whole nanoseconds of the opposite, rounded up as well; the durations at both ends have none that could be
  /// written.
  fileprivate var opposite: Int64 {
    let (nanoseconds, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return Int64(clamping: (rest < 0 ? 1 : 0) - nanoseconds)
  }
}
