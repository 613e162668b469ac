import Synchronization

/// The fibers that can run on one worker: a slot for the one to run next, and a first-in-first-out list.
///
/// The owner comes here at every switch, under the cheap side of a biased lock; thieves rarely, under the other. A fiber that
/// is woken goes to the slot, so a rendezvous partner runs at once while its data is hot; the previous occupant moves to the
/// end of the list. Two fibers that keep waking each other give way to the list after a while (`slotBudget`).
struct RunQueue: ~Copyable {
  private let lock = BiasedLock()
  private var slot: FiberRef?
  private var first: FiberRef?
  private var last: FiberRef?
  private var slotUses = 0
  /// How many fibers are queued, slot included; written under the lock, readable by anybody.
  private let storedCount = Atomic<Int>(0)

  private static let slotBudget = 64

  init() {}

  var count: Int { storedCount.load(ordering: .relaxed) }

  @inline(__always)
  private func adjustCount(_ change: Int) {
    storedCount.store(storedCount.load(ordering: .relaxed) &+ change, ordering: .relaxed)
  }

  // MARK: The owner's side

  /// Makes the fiber the next to run.
  mutating func pushNext(_ fiber: FiberRef) {
    lock.lockAsOwner()
    if let displaced = slot { append(displaced) }
    slot = fiber
    adjustCount(1)
    lock.unlockAsOwner()
  }

  /// Puts the fiber at the end.
  mutating func pushLast(_ fiber: FiberRef) {
    lock.lockAsOwner()
    append(fiber)
    adjustCount(1)
    lock.unlockAsOwner()
  }

  mutating func pop() -> FiberRef? {
    lock.lockAsOwner()
    defer { lock.unlockAsOwner() }
    if let fiber = slot {
      if slotUses < Self.slotBudget || first == nil {
        slotUses += 1
        slot = nil
        adjustCount(-1)
        return fiber
      }
      append(fiber)
      slot = nil
    }
    slotUses = 0
    guard let fiber = first else { return nil }
    first = fiber.pointee.next
    if first == nil { last = nil }
    adjustCount(-1)
    return fiber
  }

  private mutating func append(_ fiber: FiberRef) {
    fiber.pointee.next = nil
    if let last { last.pointee.next = fiber } else { first = fiber }
    last = fiber
  }

  // MARK: The thief's side

  /// Takes up to half of the fibers, oldest first, as a chain through `next`; a fiber bound to its thread stays.
  mutating func steal(atMost limit: Int) -> FiberRef? {
    guard count > 0, lock.tryLockAsThief() else { return nil }
    defer { lock.unlockAsThief() }
    var wanted = min((count + 1) / 2, limit)
    var stolenFirst: FiberRef?
    var stolenLast: FiberRef?
    var previous: FiberRef?
    var candidate = first
    while wanted > 0, let fiber = candidate {
      candidate = fiber.pointee.next
      if fiber.pointee.kind == .root {
        previous = fiber
        continue
      }
      if let previous { previous.pointee.next = candidate } else { first = candidate }
      if candidate == nil { last = previous }
      fiber.pointee.next = nil
      if let stolenLast { stolenLast.pointee.next = fiber } else { stolenFirst = fiber }
      stolenLast = fiber
      adjustCount(-1)
      wanted -= 1
    }
    if stolenFirst == nil, let fiber = slot, fiber.pointee.kind != .root {
      slot = nil
      fiber.pointee.next = nil
      stolenFirst = fiber
      adjustCount(-1)
    }
    return stolenFirst
  }
}
