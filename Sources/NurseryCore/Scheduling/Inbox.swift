import Synchronization

/// The way by which other threads make a worker's fibers ready: a stack that any thread pushes on and the owner takes
/// whole (Treiber, "Systems programming: coping with parallelism", 1986; without its ABA problem, as nothing is popped
/// singly).
///
///     another thread                          the worker, about to sleep
///     push (sequentially consistent)          announce the sleep (sequentially consistent)
///     asleep? wake it                         empty? sleep
///
/// Invariant: of a push and a sleep that meet, the pusher sees the sleep or the sleeper the fiber.
struct Inbox: ~Copyable {
  private let newest = Atomic<FiberRef?>(nil)
  private let pushed = Atomic<Int>(0)
  private let fresh = Atomic<Int>(0)

  /// How many fibers are in it, and how many of them have not begun.
  var count: Int { pushed.load(ordering: .relaxed) }
  var freshCount: Int { fresh.load(ordering: .relaxed) }

  var isEmpty: Bool { newest.load(ordering: .sequentiallyConsistent) == nil }

  /// For a look in passing.
  @inline(__always)
  var seemsEmpty: Bool { newest.load(ordering: .relaxed) == nil }

  func push(_ fiber: FiberRef) {
    pushed.add(1, ordering: .relaxed)
    if fiber.isFresh { fresh.add(1, ordering: .relaxed) }
    var expected = newest.load(ordering: .relaxed)
    while true {
      fiber.pointee.next = expected
      let result = newest.weakCompareExchange(expected: expected, desired: fiber, ordering: .sequentiallyConsistent)
      if result.exchanged { return }
      expected = result.original
    }
  }

  /// Everything, in the order it came, as a chain through `next`.
  func takeAll() -> FiberRef? {
    var rest = newest.exchange(nil, ordering: .acquiringAndReleasing)
    var first: FiberRef?
    var (all, new) = (0, 0)
    while let fiber = rest {
      rest = fiber.pointee.next
      all += 1
      if fiber.isFresh { new += 1 }
      fiber.pointee.next = first
      first = fiber
    }
    pushed.subtract(all, ordering: .relaxed)
    if new > 0 { fresh.subtract(new, ordering: .relaxed) }
    return first
  }
}

/// Fibers that any worker may run: those that threads outside have made ready, and those that a worker has given up.
///
/// Invariant: while a fiber is queued here, a regular worker is awake, or is being woken. A thread that adds one then
/// looks for a sleeping worker; a worker that goes to sleep announces that and then looks here.
struct GlobalQueue: ~Copyable {
  private let lock = SpinLock(.leaf)
  private let fibers: UnsafeMutablePointer<FiberList>
  private let queued = Atomic<Int>(0)

  init() {
    fibers = .new(FiberList())
  }

  deinit { fibers.deallocate() }

  /// How many fibers there are; for a look in passing.
  @inline(__always)
  var count: Int { queued.load(ordering: .relaxed) }

  var isEmpty: Bool { queued.load(ordering: .sequentiallyConsistent) == 0 }

  func append(_ fiber: FiberRef) {
    lock.withLock {
      fibers.pointee.append(fiber)
      queued.add(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes the share of one among `workers`, but at least one fiber, as a chain through `next`.
  func takeShare(among workers: Int) -> FiberRef? {
    lock.withLock {
      var share = FiberList()
      for _ in 0..<max(1, count / max(1, workers)) {
        guard let fiber = fibers.pointee.popFirst() else { break }
        share.append(fiber)
        queued.subtract(1, ordering: .relaxed)
      }
      return share.first
    }
  }
}
