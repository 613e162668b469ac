import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// When something is to end, as clients say it: 0 for never, up to thirty days from now in seconds, or a Unix time.
struct Expiry {
  let seconds: Int

  static let longestRelative = 60 * 60 * 24 * 30
}

/// The server's time: the fiber clock, which nobody sets, and which is virtual in tests; and what the wall clock showed
/// at the start.
package struct ServerClock: Sendable {
  let start = FiberClock.now
  let unixStart: Int

  /// Starts at a Unix time; nil for that of the system.
  package init(unixStart: Int? = nil) { self.unixStart = unixStart ?? time(nil) }

  var uptime: Int { Int((FiberClock.now - start).components.seconds) }
  var unixTime: Int { unixStart + uptime }

  /// The instant at which something expires; nil for never.
  ///
  /// What is negative, or lies in the past, expires at once.
  func deadline(_ expiry: Expiry, _ now: FiberClock.Instant) -> FiberClock.Instant? {
    switch expiry.seconds {
    case 0: nil
    case ..<0: now
    case ...Expiry.longestRelative: now + .seconds(expiry.seconds)
    default: start + .seconds(expiry.seconds - unixStart)
    }
  }
}
