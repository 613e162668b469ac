import CSwitch
import Synchronization

@usableFromInline package typealias WorkerRef = UnsafeMutablePointer<Worker>

/// One thread's share of a scheduler; a plain thread that performs operations has one too, without a scheduler.
///
/// Everything here belongs to the worker's own thread unless a field says otherwise.
@usableFromInline
package struct Worker: ~Copyable {
  // A field of the thread's own comes first: the thread sanitizer books a mutation of any part at the address of the
  // whole.
  /// Where to go when there is nothing to run.
  let loop: FiberRef
  /// The fiber that runs, readable by the monitor; for a plain thread its only record.
  @usableFromInline let running: Atomic<FiberRef>
  @inlinable var current: FiberRef {
    @inline(__always) get { running.load(ordering: .relaxed) }
    @inline(__always) nonmutating set { running.store(newValue, ordering: .relaxed) }
  }
  let scheduler: Unmanaged<Scheduler>?
  /// Its place in the scheduler's table, for good.
  let index: Int
  /// What its thread is there for; written by `WorkerTable`, readable by all threads.
  let duty: Atomic<Duty>
  /// Makes the choices, in a deterministic scheduler.
  let decisions: Unmanaged<Decisions>?
  /// The thread's list of open Swift accesses, null where only the runtime's own door works.
  @usableFromInline var accessHead: UnsafeMutablePointer<UnsafeMutableRawPointer?>?

  /// Shared with thieves.
  let queue: UnsafeMutablePointer<RunQueue>
  /// Shared: a lock of its own.
  let timers: UnsafeMutablePointer<TimerQueue>
  /// What the offers in these timers wait for; here because a global constant is asked for at each use.
  let clock = TimerOperation.absolute
  /// Fibers bound to this thread that other threads have made ready.
  let inbox = Inbox()
  /// How many fibers have begun here and not ended; 0 where fibers migrate.
  let begun = Atomic<Int>(0)
  /// Where it last looked first for a worker with few fibers.
  var lastPlace = 0
  /// Whether a plain thread's record has been made ready.
  let isCalled = Atomic<Bool>(false)

  /// Where the thread sleeps.
  ///
  /// A word of its own, so that its address can be given to the kernel.
  let sleep: UnsafeMutablePointer<SleepWord>
  /// Switches so far; the monitor sees by it whether the worker moves.
  let switches = Atomic<Int>(0)
  let spawned = Atomic<Int>(0)
  let ended = Atomic<Int>(0)
  /// Blocks taken from the heap here for fibers and scopes.
  let allocations = Atomic<Int>(0)
  /// Barriers on every running thread that this one has asked the kernel for.
  let fences = Atomic<Int>(0)
  /// What it waits in for its fibers' descriptors; made with the first of them, retained.
  let reactorPointer = Atomic<UnsafeMutableRawPointer?>(nil)
  /// Waits begun here whose end comes from outside, less those that ended here.
  let expected = Atomic<Int>(0)

  /// Counts how often a plain thread has begun or ended a sleep without a timer: odd while it is in one.
  let parkings = Atomic<Int>(0)

  /// Counts picks.
  var tick: UInt32 = 0
  /// A yield whose pick has a number with one of these bits may be a quick one; 63, or 0 where no yield may be.
  var quickYields: UInt32 = 0
  /// How many more operations the running fiber may perform without waiting before it lets others run.
  @usableFromInline var budget: UInt32
  /// One where every operation is a decision, so that a performer looks at a single counter.
  let fullBudget: UInt32
  var random: UInt64
  var nextID: UInt64 = 0
  var lastID: UInt64 = 0

  /// The pool whose thread a plain thread is.
  var pool: Unmanaged<BlockingPool>?

  /// A fiber that was picked before it had left its stack; the loop waits for it.
  var handedOver: FiberRef?
  /// Where a fiber that ends saves the stack pointer that is not needed.
  var discardedStack: UnsafeMutableRawPointer?
  var freeRecords: FiberRef?
  var freeRecordCount = 0
  /// Records of ended fibers that were held at the last look: the latest, and those that were held once more.
  var lentRecords: FiberRef?
  var lentCount = 0
  var heldRecords = FiberList()
  var freeStacks: StackRef?
  var freeStackCount = 0

  /// Written by the thread that starts it; 0 on the thread that runs the root.
  var thread: UInt = 0

  init(
    scheduler: Unmanaged<Scheduler>?, index: Int, duty: Duty = .regular, sharesWork: Bool = false,
    sharesBegun: Bool = false,
    decisions: Decisions? = nil, current: FiberRef, loop: FiberRef,
    seed: UInt64
  ) {
    self.scheduler = scheduler
    self.index = index
    self.duty = Atomic(duty)
    self.decisions = decisions.map { .passUnretained($0) }
    fullBudget = decisions == nil ? 256 : 1
    budget = fullBudget
    running = Atomic(current)
    self.loop = loop
    accessHead = cs_exclusivity_head()
    random = seed | 1
    queue = .allocate(capacity: 1)
    queue.initialize(to: RunQueue(isShared: sharesWork, sharesBegun: sharesBegun))
    timers = .allocate(capacity: 1)
    timers.initialize(to: TimerQueue())
    sleep = .allocate(capacity: 1)
    sleep.initialize(to: SleepWord())
    quickYields = quickYieldMask
  }

  /// A quick yield knows neither decisions, nor thieves of begun fibers, nor sanitizers, nor the runtime's own door for open accesses.
  var quickYieldMask: UInt32 {
    let isQuick = scheduler != nil && decisions == nil && accessHead != nil && !cs_is_sanitized
    return isQuick && !queue.pointee.sharesBegun ? 63 : 0
  }
}

extension Worker {
  /// The calling thread's worker, if it has one.
  @inlinable @inline(__always)
  static var ofThisThreadIfAny: WorkerRef? {
    cs_thread_pointer()?.assumingMemoryBound(to: Worker.self)
  }

  /// The calling thread's worker; a plain thread is given one.
  @inlinable @inline(__always)
  static var ofThisThread: WorkerRef { ofThisThreadIfAny ?? PlainThread.register() }

  /// Counts a block from the heap, if the thread has a worker.
  static func countAllocation() {
    if let worker = ofThisThreadIfAny { worker.count(worker.pointee.allocations) }
  }

  /// Suspends the running fiber, which has arranged to be made ready, and runs others until then.
  ///
  /// Inlined, like all between here and the switch: after a switch the processor predicts no return right, so every
  /// call level between the user's function and the switch costs a misprediction.
  @inline(__always)
  static func suspend(_ me: FiberRef) {
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    me.pointee.worker.park(me)
  }
}

extension WorkerRef {
  /// Whether the scheduler may have other workers.
  var sharesWork: Bool { pointee.queue.pointee.isShared }

  /// A number that cannot be predicted and the seed determines (xorshift64*, Vigna 2016).
  func nextRandom() -> UInt64 {
    var bits = pointee.random
    bits ^= bits >> 12
    bits ^= bits << 25
    bits ^= bits >> 27
    pointee.random = bits
    return bits &* 0x2545_F491_4F6C_DD1D
  }

  /// Numbers for fibers, from blocks that each worker takes for itself.
  func makeID() -> UInt64 {
    if pointee.nextID == pointee.lastID {
      pointee.nextID = FiberIDs.takeBlock()
      pointee.lastID = pointee.nextID + FiberIDs.blockSize
    }
    defer { pointee.nextID += 1 }
    return pointee.nextID
  }

  /// Adds to a statistic that only this worker writes.
  @inline(__always)
  func count(_ counter: borrowing Atomic<Int>, _ step: Int = 1) {
    counter.store(counter.load(ordering: .relaxed) &+ step, ordering: .relaxed)
  }

  var now: Int64 {
    pointee.scheduler?._withUnsafeGuaranteedRef { $0.now } ?? System.monotonicNow()
  }

  /// The same, quicker, and late by a tick of the kernel's at most where the clock is a real one.
  var coarseNow: Int64 { isVirtual ? now : System.coarseMonotonicNow() }
}

extension FiberRef {
  /// What time it is for this fiber, in nanoseconds of its clock.
  package var now: Int64 { pointee.worker.now }

  /// Whether the order of a choice's branches is a decision, and not chance.
  var decidesBranches: Bool { pointee.worker.pointee.decisions != nil }

  /// The branch that is asked first, by decision; the others follow in their order.
  ///
  /// - Parameter count: at least 2.
  @inline(never)
  func firstBranch(of count: Int) -> Int {
    pointee.worker.pointee.decisions!._withUnsafeGuaranteedRef { $0.maker.pickBranch(below: count) }
  }

  /// - Parameter count: at least 2.
  @usableFromInline
  func randomIndex(below count: Int) -> Int {
    if decidesBranches { return firstBranch(of: count) }
    return Int(truncatingIfNeeded: ((pointee.worker.nextRandom() >> 32) &* UInt64(count)) >> 32)
  }
}

enum FiberIDs {
  static let blockSize: UInt64 = 1024
  private static let next = Atomic<UInt64>(1)

  static func takeBlock() -> UInt64 { next.wrappingAdd(blockSize, ordering: .relaxed).oldValue }
}
