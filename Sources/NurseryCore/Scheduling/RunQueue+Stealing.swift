/// The thief's side; and that of one who gives.
extension UnsafeMutablePointer<RunQueue> {
  /// Takes up to half of the fibers, oldest first, as a chain through `next`; a fiber bound to its thread stays.
  func steal(atMost limit: Int, by thief: WorkerRef) -> FiberRef? {
    guard count > 0, pointee.lock.tryLockAsThief() else { return nil }
    thief.count(thief.pointee.fences)
    defer { pointee.lock.unlockAsThief() }
    forgetBatch()
    var stolen = FiberList()
    let wanted = min((count + 1) / 2, limit)
    var taken = take(wanted, from: &pointee.list, into: &stolen)
    if taken == 0 { taken = take(wanted, from: &pointee.due, into: &stolen) }
    if taken == 0 { taken = stealOldestFamilies(wanted, into: &stolen) }
    if taken == 0, let fiber = pointee.slot, fiber.pointee.kind != .root {
      pointee.slot = nil
      stolen.append(fiber)
      taken = 1
    }
    adjustCount(-taken)
    return stolen.first
  }

  /// Puts a chain of fibers, none of them bound to its thread, behind the others; false if a thief is at work.
  func give(_ chain: FiberRef, by giver: WorkerRef) -> Bool {
    guard pointee.lock.tryLockAsThief() else { return false }
    giver.count(giver.pointee.fences)
    defer { pointee.lock.unlockAsThief() }
    forgetBatch()
    var rest: FiberRef? = chain
    var given = 0
    while let fiber = rest {
      rest = fiber.pointee.next
      pointee.list.append(fiber)
      given += 1
    }
    adjustCount(given)
    return true
  }

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

  /// Those at the back are children of the older parents, in a tree of fibers the larger branches; of very many, those far back,
  /// because the owner waits meanwhile.
  private func stealOldestFamilies(_ wanted: Int, into stolen: inout FiberList) -> Int {
    var keep = min(1024, max(0, count - (pointee.slot == nil ? 0 : 1) - wanted))
    var last: FiberRef?
    while keep > 0, let fiber = last?.pointee.next ?? pointee.families.first {
      last = fiber
      keep -= 1
    }
    var rest = pointee.families.splitOff(after: last)
    let taken = take(wanted, from: &rest, into: &stolen)
    pointee.families.append(contentsOf: rest)
    return taken
  }
}
