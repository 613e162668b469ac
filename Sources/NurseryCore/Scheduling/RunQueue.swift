import CSwitch
import Synchronization

/// The fibers that can run on one worker.
///
///     own, for this worker alone             stealable
///       slot   the fiber just woken:           families   children whose parent waits for them,
///              a rendezvous partner,                      newest family first
///              a joiner; its data is hot       fresh      other fibers that have not begun, oldest first
///       due    sleepers whose time has come
///       list   other fibers that have begun, oldest first
///
/// A fiber that has begun stays on its thread. So the compiler may keep the address of a thread-local across a wait,
/// as it does in a `Mutex`, and a C library its thread. Only fibers that have not begun are stolen, and where
/// `sharesBegun` says so, the others.
///
/// A parent that waits for its children puts those it has just spawned before all others; of several nurseries,
/// those of the innermost first. So a tree of fibers is walked depth first, on a handful of stacks, where first
/// come, first served would park one stack for every inner node (Blumofe and Leiserson, "Scheduling multithreaded
/// computations by work stealing", 1999). Sleepers go before children that have not begun, for the same reason: what
/// has begun ends, and its stack is used again. `list` and `fresh` together are first come, first served, by the
/// fibers' tickets.
///
/// The lock is for what thieves can take. While nothing stealable is queued the owner takes no lock: only the owner
/// adds to it.
struct RunQueue: ~Copyable {
  var slot: FiberRef?
  var due = FiberList()
  var list = FiberList()

  /// Counts picks; two bits of it say what is preferred.
  var turns: UInt32 = 0
  /// Counts fibers that were put into the lists.
  fileprivate var tickets: UInt32 = 0
  /// What can be stolen of any worker; in memory of its own, so that no access by a thief is one to the owner's part.
  let stealable: UnsafeMutablePointer<StealableFibers>
  let lock = BiasedLock()
  /// Whether there are thieves.
  let isShared: Bool
  /// Whether they take fibers that have begun, too.
  let sharesBegun: Bool
  /// How many fibers are queued that have begun, and that have not; readable by all threads.
  fileprivate let ownCount = Atomic<Int>(0)
  fileprivate let freshCount = Atomic<Int>(0)
  /// Set by the monitor: a thief may take half of what can be stolen.
  fileprivate let isOffered = Atomic<Bool>(false)
  /// Set by the monitor: the owner is to tell which line has spawned most of the fibers that wait here.
  fileprivate let isCrowdWanted = Atomic<Bool>(false)
  /// Odd while families wait, and another number each time that the last of them has been taken.
  fileprivate let familyEpoch = Atomic<Int>(0)

  init(isShared: Bool, sharesBegun: Bool) {
    self.isShared = isShared
    self.sharesBegun = sharesBegun
    stealable = .new(StealableFibers())
  }

  deinit {
    stealable.destroy()
  }
}

/// A queue is used through its address, never as a whole: what counts as an access to it has to lie inside the lock.
extension UnsafeMutablePointer<RunQueue> {
  var count: Int { begunCount &+ freshCount }
  var stealableCount: Int { pointee.sharesBegun ? count : freshCount }
  var begunCount: Int { pointee.ownCount.load(ordering: .relaxed) }
  var freshCount: Int { pointee.freshCount.load(ordering: .relaxed) }

  /// Tells the monitor whether the family that waits longest is still the same: odd numbers, as long as they are equal.
  var familyEpoch: Int { pointee.familyEpoch.load(ordering: .relaxed) }

  var isOffered: Bool {
    get { pointee.isOffered.load(ordering: .relaxed) }
    nonmutating set { pointee.isOffered.store(newValue, ordering: .relaxed) }
  }

  var isCrowdWanted: Bool {
    get { pointee.isCrowdWanted.load(ordering: .relaxed) }
    nonmutating set { pointee.isCrowdWanted.store(newValue, ordering: .relaxed) }
  }

  @inline(__always)
  func adjustOwnCount(_ change: Int) { pointee.ownCount.store(begunCount &+ change, ordering: .relaxed) }

  @inline(__always)
  func adjustFreshCount(_ change: Int) { pointee.freshCount.store(freshCount &+ change, ordering: .relaxed) }

  /// For the owner, around what thieves can take.
  @inline(__always)
  func locked<Result>(if isNeeded: Bool, _ body: () -> Result) -> Result {
    if !isNeeded { return body() }
    pointee.lock.lockAsOwner()
    defer { pointee.lock.unlockAsOwner() }
    return body()
  }

  // MARK: Putting in

  /// Makes a fiber that has begun the next to run.
  @inline(__always)
  func pushNext(_ fiber: FiberRef) {
    locked(if: pointee.sharesBegun) {
      if let displaced = pointee.slot { append(displaced) }
      pointee.slot = fiber
      adjustOwnCount(1)
    }
  }

  /// Puts a sleeper whose time has come behind the other such sleepers.
  func pushSoon(_ fiber: FiberRef) {
    locked(if: pointee.sharesBegun) {
      pointee.due.append(fiber)
      adjustOwnCount(1)
    }
  }

  /// Puts a fiber that has begun at the end.
  @inline(__always)
  func pushLast(_ fiber: FiberRef) {
    locked(if: pointee.sharesBegun) {
      append(fiber)
      adjustOwnCount(1)
    }
  }

  /// Puts the running fiber at the end and takes out the next, if no other fibers than those that have begun are
  /// queued; else nil.
  ///
  /// Counts as no pick: in whatever order the parts of the queue are preferred, the others are empty.
  @inline(__always)
  func rotate(_ fiber: FiberRef) -> FiberRef? {
    guard pointee.slot == nil, pointee.due.isEmpty, freshCount == 0, let next = pointee.list.rotate(fiber) else {
      return nil
    }
    takeTicket(fiber)
    return next
  }

  /// Takes out the fiber that was just woken if it is not the running one and no other is queued; counts as no pick, as
  /// `rotate`.
  @inline(__always)
  func popOnlyWoken(besides running: FiberRef) -> FiberRef? {
    guard begunCount == 1, freshCount == 0, let next = pointee.slot, next != running else { return nil }
    pointee.slot = nil
    pointee.ownCount.store(0, ordering: .relaxed)
    return next
  }

  @inline(__always)
  private func append(_ fiber: FiberRef) {
    takeTicket(fiber)
    pointee.list.append(fiber)
  }

  @inline(__always)
  private func takeTicket(_ fiber: FiberRef) {
    pointee.tickets &+= 1
    fiber.pointee.queueing.ticket = pointee.tickets
  }

  /// Puts a fiber that has not begun at the end.
  @inline(__always)
  func pushFresh(_ fiber: FiberRef) {
    locked(if: pointee.isShared) {
      let stealable = stealable
      if !isBatchKnown {
        stealable.pointee.batchTurn = pointee.turns
        stealable.pointee.batchSteals = stealable.pointee.steals
        stealable.pointee.batchStart = stealable.pointee.fresh.last
        stealable.pointee.isBatchMixed = false
      } else if let last = stealable.pointee.fresh.last, last.home != fiber.home {
        stealable.pointee.isBatchMixed = true
      }
      takeTicket(fiber)
      stealable.pointee.fresh.append(fiber)
      adjustFreshCount(1)
    }
  }

  /// Whether everything behind `batchStart` has been queued by the fiber that runs.
  ///
  /// Called under the lock.
  private var isBatchKnown: Bool {
    stealable.pointee.batchTurn == pointee.turns && stealable.pointee.batchSteals == stealable.pointee.steals
  }

  var stealable: UnsafeMutablePointer<StealableFibers> { pointee.stealable }

  /// What has been queued so far is not the doing of the fiber that runs next.
  func endBatch() { locked(if: pointee.sharesBegun) { pointee.turns &+= 1 } }

  /// Moves the children that the running fiber has queued since it was picked before all others: it is about to wait
  /// for them.
  @inline(__always)
  func hurryBatch() {
    if freshCount == 0 || count == 1 { return }
    locked(if: pointee.isShared) {
      if !isBatchKnown { return }
      let batch = stealable.pointee.fresh.splitOff(after: stealable.pointee.batchStart)
      stealable.pointee.families.prepend(stealable.pointee.isBatchMixed ? batch.newestFamilyFirst() : batch)
      noteFamilies()
      stealable.pointee.batchTurn = pointee.turns &- 1
    }
  }

  /// Called under the lock, when families may have become some or none.
  func noteFamilies() {
    let epoch = familyEpoch
    if stealable.pointee.families.isEmpty == (epoch & 1 == 1) {
      pointee.familyEpoch.store(epoch &+ 1, ordering: .relaxed)
    }
  }

  /// Queues what was stolen, as a chain through `next`, before all others: it has waited for the longest.
  func adopt(_ chain: FiberRef) {
    locked(if: true) {
      var family = FiberList()
      var begun = 0, fresh = 0
      var rest: FiberRef? = chain
      while let fiber = rest {
        rest = fiber.pointee.next
        if fiber.isFresh {
          family.append(fiber)
          fresh += 1
        } else {
          append(fiber)
          begun += 1
        }
      }
      stealable.pointee.families.prepend(family)
      noteFamilies()
      adjustFreshCount(fresh)
      adjustOwnCount(begun)
      pointee.turns &+= 1
    }
  }
}

extension FiberRef {
  /// Whether it was put into the lists of its queue before another.
  func cameBefore(_ other: FiberRef) -> Bool {
    Int32(bitPattern: pointee.queueing.ticket &- other.pointee.queueing.ticket) < 0
  }
}
