/// When fibers that have not begun may leave the worker that spawned them: at an inspection by the monitor, from a
/// queue that does not move or is slow.
///
/// Fibers that talk to each other begin together, within one period, and stay together: between workers a message costs
/// microseconds. Work that waits for a processor gets one. The whole policy is here; the thief then takes half
/// of the queue (`RunQueue+Stealing`).
enum StealPolicy {
  /// How long a queue must stand still before one of its fibers may be stolen, in nanoseconds; the shortest period of
  /// the monitor, too.
  ///
  /// fib-2w and mergesort-2w chose it: half of the time that a stolen branch takes there. Below, channel-8-2w loses
  /// fibers to the second worker before their partners begin.
  static let standstill: Int64 = 50_000

  /// How long a fiber may wait in a queue that moves, in nanoseconds; the longest period of the monitor, too.
  ///
  /// skynet-2w and sieve-2w chose it: both queue fibers by the hundred, and run a fiber in less than a microsecond.
  static let longestWait: Int64 = 1_000_000

  /// Whether a queue of `count` fibers, from which `moved` were taken in the last `elapsed` nanoseconds, keeps the last
  /// of them waiting for too long.
  static func isSlow(_ count: Int, moved: Int, in elapsed: Int64) -> Bool {
    guard count > 0, elapsed >= standstill else { return false }
    return moved == 0 || count > 1 && Int64(count) &* elapsed > Int64(moved) &* longestWait
  }
}
