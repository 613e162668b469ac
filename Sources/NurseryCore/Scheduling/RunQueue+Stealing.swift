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
  ///
  /// In a tree of fibers that is walked depth first the large branches wait, however many of the small ones are taken, so
  /// families count by their age.
  ///
  /// - Parameters:
  ///   - familyAge: for how long one family has waited.
  ///   - isAskedFor: whether a worker has lately run out of work, and not one that has never had any.
  static func isSlow(
    _ count: Int, moved: Int, in elapsed: Int64, familyAge: Int64 = 0, isAskedFor: Bool = false
  ) -> Bool {
    guard count > 0, elapsed >= standstill else { return false }
    if moved == 0 || familyAge > (isAskedFor ? standstill : longestWait) { return true }
    return count > 1 && Int64(count) &* elapsed > Int64(moved) &* longestWait
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
  /// Whether they are children of more than one nursery.
  var isBatchMixed = false
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
    if taken == 0 { taken = stealOldestFamily(limit, into: &stolen) }
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

  /// Takes the back half of the oldest family.
  ///
  /// In a tree of fibers all younger families together have about as much to do as one member of the oldest. Of very many
  /// fibers it takes some that are far back, because the owner waits meanwhile.
  private func stealOldestFamily(_ limit: Int, into stolen: inout FiberList) -> Int {
    var (before, last): (FiberRef?, FiberRef?) = (nil, nil)
    var (steps, length) = (0, 0)
    while steps < 1024, let fiber = last?.pointee.next ?? (last == nil ? stealable.pointee.families.first : nil) {
      if let last, last.home != fiber.home { (before, length) = (last, 0) }
      (last, length, steps) = (fiber, length + 1, steps + 1)
    }
    if steps == 1024, last?.pointee.next != nil {
      (before, length) = (last, .max)
    } else {
      for _ in 0..<length / 2 { before = before?.pointee.next ?? stealable.pointee.families.first }
    }
    var rest = stealable.pointee.families.splitOff(after: before)
    let taken = take(min(limit, length - length / 2), from: &rest, into: &stolen)
    stealable.pointee.families.append(contentsOf: rest)
    noteFamilies()
    return taken
  }
}
