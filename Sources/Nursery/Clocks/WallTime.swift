/// An instant of the wall clock.
///
/// The clock can be set, and goes on while the computer sleeps. To measure durations, and for timeouts, use
/// `FiberClock`.
public struct WallTime: Sendable, Hashable, Comparable {
  /// How long after the beginning of 1970, in UTC and without leap seconds; up to the year 2262.
  public let nanosecondsSince1970: Int64

  /// The instant that many nanoseconds after the beginning of 1970.
  public init(nanosecondsSince1970: Int64) {
    self.nanosecondsSince1970 = nanosecondsSince1970
  }

  /// The current time.
  ///
  /// On a fiber of a scheduler with a virtual clock, the time at which the run began and the virtual time since.
  public static var now: WallTime { WallTime(nanosecondsSince1970: Performer.current().wallNow) }

  /// The instant a duration later; the first or last instant there is if it would lie beyond.
  public static func + (time: WallTime, duration: Duration) -> WallTime {
    WallTime(nanosecondsSince1970: saturatingAdd(time.nanosecondsSince1970, duration.nanosecondsClamped))
  }

  /// How much later the left one is.
  public static func - (left: WallTime, right: WallTime) -> Duration {
    .nanoseconds(left.nanosecondsSince1970) - .nanoseconds(right.nanosecondsSince1970)
  }

  /// Orders instants by time.
  public static func < (left: WallTime, right: WallTime) -> Bool {
    left.nanosecondsSince1970 < right.nanosecondsSince1970
  }
}

extension WallTime: CustomStringConvertible {
  /// As ISO 8601 writes it, in UTC: "2026-11-29T03:00:00Z".
  public var description: String {
    let fields = WallClock.fields(at: nanosecondsSince1970, isUTC: true).fields
    func padded(_ number: Int, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = [padded(fields.year, 4), padded(fields.month), padded(fields.day)].joined(separator: "-")
    let time = [padded(fields.hour), padded(fields.minute), padded(fields.second)].joined(separator: ":")
    return "\(date)T\(time)Z"
  }
}
