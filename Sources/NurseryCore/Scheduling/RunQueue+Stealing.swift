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
