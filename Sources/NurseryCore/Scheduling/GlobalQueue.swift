import Synchronization

/// Fibers that any worker may run: those that threads outside have made ready, and those that a worker has given up.
///
/// Invariant: while a fiber is queued here, a regular worker is awake, or is being woken. A thread that adds one then
/// looks for a sleeping worker; a worker that goes to sleep announces that and then looks here.
struct GlobalQueue: ~Copyable {
  private let lock = SpinLock(.leaf)
  private let fibers: UnsafeMutablePointer<FiberList>
  private let queued = Atomic<Int>(0)

  init() {
    fibers = .allocate(capacity: 1)
    fibers.initialize(to: FiberList())
  }

  deinit { fibers.deallocate() }

  /// How many fibers there are; for a look in passing.
  @inline(__always)
  var count: Int { queued.load(ordering: .relaxed) }

  var isEmpty: Bool { queued.load(ordering: .sequentiallyConsistent) == 0 }

  func append(_ fiber: FiberRef) {
    lock.lock()
    fibers.pointee.append(fiber)
    queued.add(1, ordering: .sequentiallyConsistent)
    lock.unlock()
  }

  /// Takes the share of one among `workers`, but at least one fiber, as a chain through `next`.
  func takeShare(among workers: Int) -> FiberRef? {
    var share = FiberList()
    lock.lock()
    var wanted = max(1, count / max(1, workers))
    while wanted > 0, let fiber = fibers.pointee.popFirst() {
      share.append(fiber)
      queued.subtract(1, ordering: .relaxed)
      wanted -= 1
    }
    lock.unlock()
    return share.first
  }
}
