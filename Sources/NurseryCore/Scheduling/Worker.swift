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
  ///
  /// Never nil; optional because reading an optional costs no check.
  @usableFromInline let running: Atomic<FiberRef?>
  @inlinable var current: FiberRef {
    @inline(__always) get { running.load(ordering: .relaxed).unsafelyUnwrapped }
    @inline(__always) nonmutating set { running.store(newValue, ordering: .relaxed) }
  }
  let scheduler: Unmanaged<Scheduler>?
  /// Makes the choices, in a deterministic scheduler.
  let decisions: Unmanaged<Decisions>?
  /// Where it is among the workers of its scheduler.
  var place: Place

  /// Shared with thieves.
  let queue: UnsafeMutablePointer<RunQueue>
  /// Shared: a lock of its own.
  let timers: UnsafeMutablePointer<TimerQueue>
  /// Fibers bound to this thread that other threads have made ready.
  let inbox = Inbox()
  /// Where the thread sleeps.
  ///
  /// A word of its own, so that its address can be given to the kernel.
  let sleep: UnsafeMutablePointer<SleepWord>
  /// What it waits in for its fibers' descriptors; made with the first of them, retained.
  let reactorPointer = Atomic<UnsafeMutableRawPointer?>(nil)
  let counters = Counters()
  let instruments: Instruments
  @usableFromInline var pace: Pace
  var numbers: Numbers
  var memory = Memory()
  var plain = Plain()

  /// A worker's place among those of its scheduler.
  struct Place: ~Copyable {
    /// Where it last looked first for a worker with few fibers.
    var lastChosen = 0
    /// Its index in the table, for good.
    let index: Int
    /// What its thread is there for; written by `WorkerTable`, readable by all threads.
    let duty: Atomic<Duty>
    /// The number of its thread in the kernel, which may be asked about also when the thread has ended; 0 until it runs.
    let task = Atomic<Int32>(0)
    /// Written by the thread that starts it, and for the first worker by its own.
    var thread: UInt = 0

    init(_ index: Int, _ duty: Duty) {
      self.index = index
      self.duty = Atomic(duty)
    }
  }

  /// What a worker has done; written by its thread, readable by all.
  struct Counters: ~Copyable {
    /// Switches so far; the monitor sees by it whether the worker moves.
    let switches = Atomic<Int>(0)
    let spawned = Atomic<Int>(0)
    let ended = Atomic<Int>(0)
    /// Blocks taken from the heap here for fibers and scopes.
    let allocations = Atomic<Int>(0)
    /// Barriers on every running thread that this one has asked the kernel for.
    let fences = Atomic<Int>(0)
    /// Waits begun here whose end comes from outside, less those that ended here.
    let expected = Atomic<Int>(0)
    /// How many fibers have begun here and not ended; 0 where fibers migrate.
    let begun = Atomic<Int>(0)
  }

  /// What a worker keeps for its next fibers.
  struct Memory {
    var records = FiberSlab.Cache()
    var stacks = StackCache()
  }

  /// What a switch or a perform needs besides the fibers.
  @usableFromInline
  struct Pace {
    /// Counts picks.
    var tick: UInt32 = 0
    /// A yield whose pick has a number with one of these bits may be a quick one; 63, or 0 where no yield may be.
    var quickYields: UInt32 = 0
    /// How many more operations the running fiber may perform without waiting before it lets others run.
    @usableFromInline var budget: UInt32
    /// One where every operation is a decision, so that a performer looks at a single counter.
    @usableFromInline let fullBudget: UInt32
    /// What offers in the worker's timers wait for; here because a global constant is asked for at each use.
    let clock = TimerOperation.absolute
    /// The thread's list of open Swift accesses, null where only the runtime's own door works.
    @usableFromInline var accessHead: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    /// The thread's word for the values of Swift's task-locals; where it is not known, and on plain threads, which may be
    /// in a task, a word that is never nil.
    @usableFromInline var taskLocals: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// The thread's word for the current task, in which no fiber may wait; where it is not known, a word that is nil.
    @usableFromInline var task: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// The time of the last look around or wakeup: what a fiber that begins to wait takes for the time.
    var turnTime: Int64
    /// Whether it makes fibers ready for which the running one has done nothing: timers, descriptors, arrivals.
    var looksOutside = false
    /// A fiber that was picked before it had left its stack; the loop waits for it.
    var handedOver: FiberRef?
    /// Where a fiber that ends saves the stack pointer that is not needed.
    var discardedStack: UnsafeMutableRawPointer?

    init(fullBudget: UInt32, now: Int64) {
      self.fullBudget = fullBudget
      turnTime = now
      budget = fullBudget
      accessHead = cs_exclusivity_head()
      taskLocals = cs_task_locals_unknown()
      task = cs_task_unknown()
    }

    /// Finds the calling thread's words, which a worker of a scheduler will run on.
    mutating func findTaskWords() {
      taskLocals = cs_task_locals_word() ?? cs_task_locals_unknown()
      task = TaskLocalValues.taskWord
    }
  }

  /// Random numbers, and numbers for fibers.
  struct Numbers {
    private var bits: UInt64
    private var nextID: UInt64 = 0
    private var lastID: UInt64 = 0

    private static let blockSize: UInt64 = 1024
    private static let nextBlock = Atomic<UInt64>(1)

    init(seed: UInt64) { bits = seed | 1 }

    /// A number that cannot be predicted and the seed determines (xorshift64*, Vigna 2016).
    mutating func nextRandom() -> UInt64 {
      bits ^= bits >> 12
      bits ^= bits << 25
      bits ^= bits >> 27
      return bits &* 0x2545_F491_4F6C_DD1D
    }

    /// A fiber's number, from a block that each worker takes for itself.
    mutating func makeID() -> UInt64 {
      if nextID == lastID {
        nextID = Self.nextBlock.wrappingAdd(Self.blockSize, ordering: .relaxed).oldValue
        lastID = nextID + Self.blockSize
      }
      defer { nextID += 1 }
      return nextID
    }
  }

  /// What only plain threads use.
  struct Plain: ~Copyable {
    /// The pool whose thread it is.
    var pool: Unmanaged<BlockingPool>?
    /// The bounds of the thread's stack, both 0 until they are known; for dumps on other threads.
    let stackBottom = Atomic<UInt>(0)
    let stackTop = Atomic<UInt>(0)
    /// Whether the thread's record has been made ready.
    let isCalled = Atomic<Bool>(false)
    /// Counts how often the thread has begun or ended a sleep without a timer: odd while it is in one.
    let parkings = Atomic<Int>(0)
  }

  /// - Parameters:
  ///   - scheduler: nil outside a scheduler.
  ///   - isForTasks: whether its performers are tasks, which run on any thread: none may be pushed to its queue.
  init(
    _ scheduler: Scheduler?, index: Int = 0, duty: Duty = .regular, isForTasks: Bool = false, loop: FiberRef
  ) {
    let settings = scheduler?.settings
    self.scheduler = scheduler.map { .passUnretained($0) }
    place = Place(index, duty)
    instruments = Instruments(scheduler, index)
    decisions = (scheduler?.decisions).map { .passUnretained($0) }
    pace = Pace(fullBudget: decisions == nil ? 256 : 1, now: scheduler?.now ?? System.coarseMonotonicNow())
    running = Atomic(loop)
    self.loop = loop
    numbers = Numbers(seed: settings.map { $0.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15 } ?? System.randomSeed)
    queue = .new(
      RunQueue(isShared: settings.map { $0.parallelism > 1 } ?? false, sharesBegun: settings?.migrates ?? isForTasks))
    timers = .new(TimerQueue())
    sleep = .new(SleepWord())
    if scheduler != nil { pace.findTaskWords() }
    pace.quickYields = quickYieldMask
  }

  /// A quick yield knows neither decisions, nor thieves of begun fibers, nor sanitizers, nor the runtime's own door for
  /// open accesses, nor task-locals that cannot be kept apart.
  var quickYieldMask: UInt32 {
    let isQuick = scheduler != nil && decisions == nil && pace.accessHead != nil && !cs_is_sanitized
    let knowsTaskLocals = pace.taskLocals != cs_task_locals_unknown()
    return isQuick && knowsTaskLocals && !queue.pointee.sharesBegun ? 63 : 0
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
    if let worker = ofThisThreadIfAny { worker.count(worker.pointee.counters.allocations) }
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

  /// What its thread is there for; for a look in passing.
  var duty: Worker.Duty { pointee.place.duty.load(ordering: .relaxed) }

  /// Adds to a statistic that only this worker writes.
  @inline(__always)
  func count(_ counter: borrowing Atomic<Int>, _ step: Int = 1) {
    counter.store(counter.load(ordering: .relaxed) &+ step, ordering: .relaxed)
  }

  var now: Int64 {
    pointee.scheduler?._withUnsafeGuaranteedRef { $0.now } ?? System.monotonicNow()
  }

  /// Reads the clock for the fibers that begin to wait from now on.
  @inline(__always)
  func beginTurn() { pointee.pace.turnTime = coarseNow }

  /// The same, quicker, and late by a tick of the kernel's at most where the clock is a real one.
  var coarseNow: Int64 { isVirtual ? now : System.coarseMonotonicNow() }
}

extension FiberRef {
  /// What time it is for this fiber, in nanoseconds of its clock.
  package var now: Int64 { pointee.worker.now }

  /// Whether the order of a choice's branches is a decision, and not chance.
  var decidesBranches: Bool { decisions != nil }

  /// A task's are those of the fiber that runs its jobs; see `DrivenTask`.
  private var decisions: Unmanaged<Decisions>? {
    pointee.kind == .task ? Worker.ofThisThreadIfAny?.pointee.decisions : pointee.worker.pointee.decisions
  }

  /// The branch that is asked first, by decision; the others follow in their order.
  ///
  /// - Parameter count: at least 2.
  @inline(never)
  func firstBranch(of count: Int) -> Int {
    decisions!._withUnsafeGuaranteedRef { $0.maker.pickBranch(below: count) }
  }

  /// - Parameter count: at least 2.
  @usableFromInline
  func randomIndex(below count: Int) -> Int {
    decidesBranches ? firstBranch(of: count) : chance(below: count)
  }

  /// A random index, of a performer that makes no decisions.
  @inline(__always)
  func chance(below count: Int) -> Int {
    // Tasks share their worker with other threads.
    let worker = pointee.kind == .task ? Worker.ofThisThread : pointee.worker
    return Int(truncatingIfNeeded: ((worker.pointee.numbers.nextRandom() >> 32) &* UInt64(count)) >> 32)
  }
}
