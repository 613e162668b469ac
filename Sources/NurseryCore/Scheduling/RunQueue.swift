import CSwitch
import Synchronization

/// The fibers that can run on one worker.
///
///     slot       the one just woken: a rendezvous partner, a joiner; its data is hot
///     due        sleepers whose time has come
///     families   children whose parent waits for them, newest family first
///     list       everybody else, first come, first served
///
/// A parent that waits for its children puts those it has just spawned before all others. So a tree of fibers is walked depth first,
/// on a handful of stacks, where first come, first served would park one stack for every inner node (Blumofe and Leiserson, "Scheduling
/// multithreaded computations by work stealing", 1999). Sleepers go before children that have not begun, for the same reason:
/// what has begun ends, and its stack is used again.
///
/// Fairness: each of the four is preferred for 64 picks in turn, so neither a pair that keeps waking each other nor a family without
/// end, nor sleepers that are always due, nor a list that never runs dry keep the others waiting for more than three times that.
///
/// The owner comes here at every switch, under the cheap side of a biased lock; thieves rarely, under the other.
struct RunQueue: ~Copyable {
  var slot: FiberRef?
  var due = FiberList()
  var families = FiberList()
  var list = FiberList()
  /// Counts picks; two bits of it say who is preferred.
  fileprivate var turns: UInt32 = 0
  /// Whether everything behind `batchStart` has been queued by the fiber that runs; forgotten at every pick.
  fileprivate var hasBatch = false
  fileprivate var batchStart: FiberRef?
  let lock = BiasedLock()
  /// How many fibers are queued; written under the lock, readable by anybody.
  fileprivate let storedCount = Atomic<Int>(0)

  fileprivate static var phase: UInt32 { 64 }
}

/// A queue is used through its address, never as a whole: what counts as an access to it has to lie inside the lock.
extension UnsafeMutablePointer<RunQueue> {
  var count: Int { pointee.storedCount.load(ordering: .relaxed) }

  @inline(__always)
  func adjustCount(_ change: Int) {
    pointee.storedCount.store(count &+ change, ordering: .relaxed)
  }

  /// Forgets where the running fiber's batch begins, which a change of the list may have made wrong.
  func forgetBatch() { pointee.hasBatch = false }

  /// What has been queued so far is not the doing of the fiber that runs next.
  func endBatch() {
    pointee.lock.lockAsOwner()
    forgetBatch()
    pointee.lock.unlockAsOwner()
  }

  // MARK: Putting in

  /// Makes the fiber the next to run.
  @inline(__always)
  func pushNext(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    if let displaced = pointee.slot { append(displaced) }
    pointee.slot = fiber
    adjustCount(1)
    pointee.lock.unlockAsOwner()
  }

  /// Puts a sleeper whose time has come behind the others of his kind.
  func pushSoon(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    pointee.due.append(fiber)
    adjustCount(1)
    pointee.lock.unlockAsOwner()
  }

  /// Puts the fiber at the end.
  @inline(__always)
  func pushLast(_ fiber: FiberRef) {
    pointee.lock.lockAsOwner()
    append(fiber)
    adjustCount(1)
    pointee.lock.unlockAsOwner()
  }

  @inline(__always)
  private func append(_ fiber: FiberRef) {
    if !pointee.hasBatch {
      pointee.hasBatch = true
      pointee.batchStart = pointee.list.last
    }
    pointee.list.append(fiber)
  }

  /// Puts what the running fiber has queued since it was picked, its children above all, before all others: it is about to wait for
  /// them.
  @inline(__always)
  func hurryBatch() {
    pointee.lock.lockAsOwner()
    if pointee.hasBatch {
      pointee.families.prepend(pointee.list.splitOff(after: pointee.batchStart))
      forgetBatch()
    }
    pointee.lock.unlockAsOwner()
  }

  // MARK: Taking out

  @inline(__always)
  func pop() -> FiberRef? {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    pointee.hasBatch = false
    pointee.turns &+= 1
    let fiber =
      pointee.turns & (3 * RunQueue.phase) == 0 ? popSlot() ?? popDue() ?? popFamily() ?? popListed() : popByTurns()
    if fiber != nil { adjustCount(-1) }
    return fiber
  }

  /// All at once, as a chain through `next`.
  func popAll() -> FiberRef? {
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    forgetBatch()
    var all = FiberList()
    if let next = popSlot() { all.append(next) }
    all.append(contentsOf: pointee.due.splitOff(after: nil))
    all.append(contentsOf: pointee.families.splitOff(after: nil))
    all.append(contentsOf: pointee.list.splitOff(after: nil))
    adjustCount(-count)
    return all.first
  }

  /// The other preferences; whoever woke somebody last comes last.
  @inline(__always)
  private func popByTurns() -> FiberRef? {
    switch pointee.turns & (3 * RunQueue.phase) {
    case RunQueue.phase: popListed() ?? popDue() ?? popFamily() ?? popSlot()
    case 2 * RunQueue.phase: popDue() ?? popFamily() ?? popListed() ?? popSlot()
    default: popFamily() ?? popDue() ?? popListed() ?? popSlot()
    }
  }

  @inline(__always)
  private func popSlot() -> FiberRef? {
    guard let fiber = pointee.slot else { return nil }
    pointee.slot = nil
    return fiber
  }

  @inline(__always)
  private func popDue() -> FiberRef? { pointee.due.popFirst() }

  @inline(__always)
  private func popFamily() -> FiberRef? { pointee.families.popFirstFetching(searchesAhead) }

  @inline(__always)
  private func popListed() -> FiberRef? { pointee.list.popFirstFetching(searchesAhead) }

  /// Among few fibers everything is near.
  @inline(__always)
  private var searchesAhead: Bool { count > 16 && pointee.turns & 15 == 0 }
}
