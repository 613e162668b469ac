/// When fibers that have not begun may leave the worker that spawned them: at an inspection by the monitor, from a
/// queue that does not move or is slow.
///
/// Fibers that talk to each other begin together, within one period, and stay together: between workers a message costs
/// microseconds. Work that waits for a processor gets one. The whole policy is here; the thief then takes half
/// of the queue.
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

/// The fibers of a run queue that have not begun; under the queue's lock.
struct StealableFibers: ~Copyable {
  var families = FiberList()
  var fresh = FiberList()
  /// Counts steals.
  var steals: UInt32 = 0
  /// The last of the fresh fibers before those that the running fiber has queued; good while nothing was picked or
  /// stolen since.
  var batchStart: FiberRef?
  var batchTurn: UInt32 = 0
  var batchSteals: UInt32 = 0
}

/// The thief's side.
extension UnsafeMutablePointer<RunQueue> {
  /// Takes up to half of the fibers that can be stolen, oldest first, as a chain through `next`.
  func steal(atMost limit: Int, by thief: WorkerRef? = nil) -> FiberRef? {
    guard stealableCount > 0, pointee.lock.tryLockAsThief() else { return nil }
    if let thief { thief.count(thief.pointee.counters.fences) }
    defer { pointee.lock.unlockAsThief() }
    stealable.pointee.steals &+= 1
    var stolen = FiberList()
    let wanted = min((stealableCount + 1) / 2, limit)
    var taken = take(wanted, from: &stealable.pointee.fresh, into: &stolen)
    if taken == 0 { taken = stealOldestFamilies(wanted, into: &stolen) }
    adjustFreshCount(-taken)
    if taken == 0, pointee.sharesBegun { adjustOwnCount(-stealBegun(wanted, into: &stolen)) }
    return stolen.first
  }

  private func stealBegun(_ wanted: Int, into stolen: inout FiberList) -> Int {
    var taken = take(wanted, from: &pointee.list, into: &stolen)
    if taken == 0 { taken = take(wanted, from: &pointee.due, into: &stolen) }
    if taken == 0, let fiber = pointee.slot, !fiber.isBound {
      pointee.slot = nil
      stolen.append(fiber)
      taken = 1
    }
    return taken
  }

  /// The root stays.
  private func take(_ wanted: Int, from list: inout FiberList, into stolen: inout FiberList) -> Int {
    var taken = 0
    var previous: FiberRef?
    var candidate = list.first
    while taken < wanted, let fiber = candidate {
      candidate = fiber.pointee.next
      if fiber.pointee.kind == .root {
        previous = fiber
        continue
      }
      list.remove(after: previous)
      stolen.append(fiber)
      taken += 1
    }
    return taken
  }

  /// Those at the back are children of the older parents, in a tree of fibers the larger branches; of very many, those
  /// far back, because the owner waits meanwhile.
  private func stealOldestFamilies(_ wanted: Int, into stolen: inout FiberList) -> Int {
    var keep = min(1024, max(0, stealableCount - wanted))
    var last: FiberRef?
    while keep > 0, let fiber = last?.pointee.next ?? stealable.pointee.families.first {
      last = fiber
      keep -= 1
    }
    var rest = stealable.pointee.families.splitOff(after: last)
    let taken = take(wanted, from: &rest, into: &stolen)
    stealable.pointee.families.append(contentsOf: rest)
    return taken
  }
}
