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
/// Fairness: the list and the others are preferred in turns of 64 picks, so neither a pair that keeps waking each other nor a family
/// without end keeps the list waiting for more than that.
///
/// The owner comes here at every switch, under the cheap side of a biased lock; thieves rarely, under the other.
struct RunQueue: ~Copyable {
  var slot: FiberRef?
  var due = FiberList()
  var families = FiberList()
  var list = FiberList()
  /// Counts picks; one bit of it says who is preferred.
  fileprivate var turns: UInt32 = 0
  /// Whether everything behind `batchStart` has been queued by the fiber that runs; forgotten at every pick.
  fileprivate var hasBatch = false
  fileprivate var batchStart: FiberRef?
  /// A fiber of the list some places behind the first, of which what a switch to it touches is being fetched.
  ///
  /// Forgotten when the list is changed elsewhere than at its ends.
  fileprivate var ahead: FiberRef?
  let lock = BiasedLock()
  /// How many fibers are queued; written under the lock, readable by anybody.
  fileprivate let storedCount = Atomic<Int>(0)

  fileprivate static var phase: UInt32 { 64 }
  /// Memory answers in the time of a few switches.
  fileprivate static var distance: Int { 4 }
}

/// A queue is used through its address, never as a whole: what counts as an access to it has to lie inside the lock.
extension UnsafeMutablePointer<RunQueue> {
  var count: Int { pointee.storedCount.load(ordering: .relaxed) }

  @inline(__always)
  func adjustCount(_ change: Int) {
    pointee.storedCount.store(count &+ change, ordering: .relaxed)
  }

  /// Forgets places in the list that a change may have made wrong.
  func forgetPlaces() {
    pointee.hasBatch = false
    pointee.ahead = nil
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
      forgetPlaces()
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
    let fiber = pointee.turns & RunQueue.phase == 0 ? popPreferred() ?? popListed() : popListed() ?? popPreferred()
    if fiber != nil { adjustCount(-1) }
    return fiber
  }

  @inline(__always)
  private func popPreferred() -> FiberRef? {
    guard let fiber = pointee.slot else { return pointee.due.popFirst() ?? pointee.families.popFirst() }
    pointee.slot = nil
    return fiber
  }

  @inline(__always)
  private func popListed() -> FiberRef? {
    guard let fiber = pointee.list.popFirst() else { return nil }
    fetchAhead()
    return fiber
  }

  // MARK: Fetching

  /// Asks for the memory of a fiber that will run a few switches later: with many fibers it is in no cache.
  @inline(__always)
  private func fetchAhead() {
    guard let fiber = pointee.ahead else { return findAhead() }
    fiber.fetchStack()
    let next = fiber.pointee.next
    next?.fetchRecord()
    pointee.ahead = next
  }

  /// In a short list everything is near.
  @inline(__always)
  private func findAhead() {
    if count > 4 * RunQueue.distance, pointee.turns & 15 == 0 { searchAhead() }
  }

  @inline(never)
  private func searchAhead() {
    var fiber = pointee.list.first
    for _ in 0..<RunQueue.distance { fiber = fiber?.pointee.next }
    pointee.ahead = fiber
  }
}

extension FiberRef {
  @inline(__always)
  fileprivate func fetchRecord() {
    cs_prefetch(self)
    cs_prefetch(UnsafeRawPointer(self) + 64)
  }

  /// The record is in the cache by now; what the switch restores and the frame above it lie from the saved stack pointer upwards.
  @inline(__always)
  fileprivate func fetchStack() {
    let saved = UnsafeRawPointer(bitPattern: pointee.savedStack.load(ordering: .relaxed))
    guard let saved else { return }
    cs_prefetch(saved)
    cs_prefetch(saved + 64)
    cs_prefetch(saved + 128)
    cs_prefetch(saved + 192)
  }
}
