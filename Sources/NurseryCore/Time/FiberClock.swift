/// The clock that fibers live by: monotonic, or virtual where the configuration says so.
///
/// On a fiber of a scheduler with a virtual clock, `now` stands still while any fiber can run and jumps to the next
/// timer when none can. Elsewhere it is the system's monotonic clock.
public struct FiberClock: Sendable {
  /// A point in time of a `FiberClock`, with a resolution of a nanosecond.
  public struct Instant: InstantProtocol {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
      self.nanoseconds = nanoseconds
    }

    /// The instant a duration later; the ends of time if it is beyond them.
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
    public static func - (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: .zero - duration) }

    /// How much later the left one is.
    public static func - (left: Instant, right: Instant) -> Duration { right.duration(to: left) }

    /// Orders instants by time.
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
  }

  /// What time it is for the calling fiber or thread.
  public static var now: Instant { Instant(nanoseconds: Performer.current().now) }
}

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
}
