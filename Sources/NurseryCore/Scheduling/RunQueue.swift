import Synchronization

/// The fibers that can run on one worker: a slot for the one to run next, and a first-in-first-out list.
///
/// The owner comes here at every switch, under the cheap side of a biased lock; thieves rarely, under the other. A fiber that
/// is woken goes to the slot, so a rendezvous partner runs at once while its data is hot; the previous occupant moves to the
/// end of the list. Two fibers that keep waking each other give way to the list after a while (`slotBudget`).
struct RunQueue: ~Copyable {
  fileprivate var slot: FiberRef?
  fileprivate var first: FiberRef?
  fileprivate var last: FiberRef?
  fileprivate var slotUses = 0
  fileprivate let lock = BiasedLock()
  /// How many fibers are queued, slot included; written under the lock, readable by anybody.
  fileprivate let storedCount = Atomic<Int>(0)

  fileprivate static let slotBudget = 64
}

/// A queue is used through its address, never as a whole: what counts as an access to it has to lie inside the lock.
extension UnsafeMutablePointer<RunQueue> {
  var count: Int { pointee.storedCount.load(ordering: .relaxed) }

  @inline(__always)
  private func adjustCount(_ change: Int) {
    pointee.storedCount.store(count &+ change, ordering: .relaxed)
  }

  // MARK: The owner's side

  /// Makes the fiber the next to run.
  func pushNext(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    if let displaced = pointee.slot { append(displaced) }
    pointee.slot = fiber
    adjustCount(1)
    pointee.lock.unlockAsOwner()
  }

  /// Puts the fiber at the end.
  func pushLast(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    append(fiber)
    adjustCount(1)
    pointee.lock.unlockAsOwner()
  }

  func pop() -> FiberRef? {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    if let fiber = pointee.slot {
      if pointee.slotUses < RunQueue.slotBudget || pointee.first == nil {
        pointee.slotUses += 1
        pointee.slot = nil
        adjustCount(-1)
        return fiber
      }
      append(fiber)
      pointee.slot = nil
    }
    pointee.slotUses = 0
    guard let fiber = pointee.first else { return nil }
    pointee.first = fiber.pointee.next
    if pointee.first == nil { pointee.last = nil }
    adjustCount(-1)
    return fiber
  }

  /// Writes all fibers to `places`, of which there are `count`, in the order they came; for decisions other than first come,
  /// first served.
  func list(_ places: UnsafeMutablePointer<FiberRef>) {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    if let displaced = pointee.slot {
      append(displaced)
      pointee.slot = nil
    }
    var candidate = pointee.first
    var index = 0
    while let fiber = candidate {
      (places + index).initialize(to: fiber)
      index += 1
      candidate = fiber.pointee.next
    }
  }

  /// Removes a fiber that `list` has just named.
  func remove(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    var previous: FiberRef?
    while let candidate = previous?.pointee.next ?? pointee.first, candidate != fiber { previous = candidate }
    if let previous { previous.pointee.next = fiber.pointee.next } else { pointee.first = fiber.pointee.next }
    if fiber == pointee.last { pointee.last = previous }
    adjustCount(-1)
  }

  private func append(_ fiber: FiberRef) {
    fiber.pointee.next = nil
    if let last = pointee.last { last.pointee.next = fiber } else { pointee.first = fiber }
    pointee.last = fiber
  }

  // MARK: The thief's side

  /// Takes up to half of the fibers, oldest first, as a chain through `next`; a fiber bound to its thread stays.
  func steal(atMost limit: Int) -> FiberRef? {
    guard count > 0, pointee.lock.tryLockAsThief() else { return nil }
    defer { pointee.lock.unlockAsThief() }
    var wanted = min((count + 1) / 2, limit)
    var stolenFirst: FiberRef?
    var stolenLast: FiberRef?
    var previous: FiberRef?
    var candidate = pointee.first
    while wanted > 0, let fiber = candidate {
      candidate = fiber.pointee.next
      if fiber.pointee.kind == .root {
        previous = fiber
        continue
      }
      if let previous { previous.pointee.next = candidate } else { pointee.first = candidate }
      if candidate == nil { pointee.last = previous }
      fiber.pointee.next = nil
      if let stolenLast { stolenLast.pointee.next = fiber } else { stolenFirst = fiber }
      stolenLast = fiber
      adjustCount(-1)
      wanted -= 1
    }
    if stolenFirst == nil, let fiber = pointee.slot, fiber.pointee.kind != .root {
      pointee.slot = nil
      fiber.pointee.next = nil
      stolenFirst = fiber
      adjustCount(-1)
    }
    return stolenFirst
  }
}
