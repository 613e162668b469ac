import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A time of expiry in the protocol's form: 0 for never, seconds from now up to thirty days, or a Unix time.
struct Expiry {
  let seconds: Int

  static let longestRelative = 60 * 60 * 24 * 30
}

/// The server's time: the fiber clock, which cannot be set and is virtual in tests, and the wall clock's time at the
/// start.
package struct ServerClock: Sendable {
  let start = FiberClock.now
  let unixStart: Int

  /// Starts at a Unix time; nil for the system's.
  package init(unixStart: Int? = nil) { self.unixStart = unixStart ?? time(nil) }

  var uptime: Int { Int((FiberClock.now - start).components.seconds) }
  var unixTime: Int { unixStart + uptime }

  /// The instant at which something expires; nil for never.
  ///
  /// A negative or past time expires at once.
  func deadline(_ expiry: Expiry, _ now: FiberClock.Instant) -> FiberClock.Instant? {
    switch expiry.seconds {
    case 0: nil
    case ..<0: now
    case ...Expiry.longestRelative: now + .seconds(expiry.seconds)
    default: start + .seconds(expiry.seconds - unixStart)
    }
  }
}
