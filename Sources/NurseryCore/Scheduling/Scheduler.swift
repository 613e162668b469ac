import CSwitch
import Synchronization

/// Runs fibers on one or more threads.
///
/// A scheduler lives as long as one call of `run`: the calling thread is its first worker and runs the body; further
/// workers are started when there is work for them and have ended when `run` returns. `spawnWorker` and `retireWorker` change how
/// many there may be.
public final class Scheduler: @unchecked Sendable {
  let parallelism: Int
  package let stackPool: StackPool
  /// Where stacks are measured.
  let stackMeter: StackMeter?
  let isVirtual: Bool
  let seed: UInt64
  let decisions: Decisions?
  /// The scope of the root fiber, while the scheduler runs.
  @exclusivity(unchecked) var rootScope: ScopeRef?
  /// Found while all workers sleep, and followed by a cancellation; read by the root fiber when everything has ended.
  @exclusivity(unchecked) var deadlock: DeadlockError?
  let onSuppressedError: (@Sendable (any Error) -> Void)?
  let onDeadlock: Configuration.DeadlockResponse
  /// How long a fiber may compute before another thread runs what is queued behind it, in nanoseconds.
  let timeSlice: Int64
  /// Every worker there is or has been, by its place; see `Scheduler+Workers`.
  let table: UnsafeMutablePointer<WorkerRef?>
  /// How many places of the table have been taken, which is how many indices to look at; never shrinks.
  let places = Atomic<Int>(1)
  /// How many regular workers have a thread: as many `sleepers`, and all of them are asleep.
  let present = Atomic<Int>(1)
  /// How many of those have been told to leave; written under the lock.
  let leaving = Atomic<Int>(0)
  /// How many there may be, apart from those that leave; written under the lock.
  let limit: Atomic<Int>

  /// Guards the mail, the overflow and the workers' coming and going.
  let lock = SpinLock(.scheduler)
  @exclusivity(unchecked) var firstOverflow: FiberRef?
  @exclusivity(unchecked) var lastOverflow: FiberRef?
  let overflowCount = Atomic<Int>(0)

  let isStopping = Atomic<Bool>(false)
  /// How many regular workers are asleep, or about to be and looking once more.
  let sleepers = Atomic<Int>(0)
  /// How many spares there are, how many of them are not asleep, and the one that keeps watch while no worker sleeps; -1 for none.
  let spares = Atomic<Int>(0)
  let sparesAwake = Atomic<Int>(0)
  let sentinel = Atomic<Int>(-1)
  /// Whether the sentinel sleeps, or is about to, until it is called.
  let sentinelRests = Atomic<Bool>(false)
  /// Whether timers may be set on a worker that has no thread, or is a spare.
  let hasStrandedTimers = Atomic<Bool>(false)
  /// How often a worker has left the sleepers; counted after it has left and before it takes anything.
  let risings = Atomic<Int>(0)
  /// Threads and workers of other schedulers that are handing us a fiber; `run` does not return while one still touches us.
  let outsiders = Atomic<Int>(0)
  /// How many times somebody outside has been announced to wake a fiber; see `OutsideWakeup`.
  let outsideWakeups = Atomic<Int>(0)
  /// Threads that look at the workers and fibers from outside; `run` does not return while there is one.
  let observers = Atomic<Int>(0)
  /// What is answered when the run is over.
  let hasEnded = Atomic<Bool>(false)
  @exclusivity(unchecked) var finalStatistics = Statistics()
  /// The worker that keeps watch for the others that sleep; -1 if none does.
  let watch = Atomic<Int>(-1)
  let watchDeadline = Atomic<Int64>(.max)
  let isInspecting = Atomic<Bool>(false)
  let steals = Atomic<Int>(0)
  /// How often the queue of a worker that did not get anywhere was taken over.
  let takeovers = Atomic<Int>(0)
  /// Fibers that other threads than the workers have spawned, and those of them that never ran.
  let spawnedOutside = Atomic<Int>(0)
  let endedOutside = Atomic<Int>(0)
  /// Whether fibers that have begun may go on on another worker.
  let migrates: Bool
  let readiness: Configuration.Readiness
  /// Made with the first wait for a descriptor; retained.
  let reactorPointer = Atomic<UnsafeMutableRawPointer?>(nil)
  /// Held by the sleeper that acts for all: advances virtual time, or looks for a deadlock.
  let timeLock = SpinLock(.time)
  private let virtualNow = Atomic<Int64>(0)

  init(_ configuration: Configuration) throws {
    parallelism = try configuration.resolvedParallelism()
    cs_settle_fences()
    stackPool = try StackPool.shared(stackSize: configuration.stackSize)
    stackMeter = configuration.measuresStacks && !System.isSanitized ? StackMeter() : nil
    isVirtual = configuration.clock == .virtual
    seed = configuration.seed ?? System.randomSeed
    decisions = configuration.makeDecisions?()
    onSuppressedError = configuration.onSuppressedError
    onDeadlock = configuration.onDeadlock
    timeSlice = try configuration.resolvedTimeSlice()
    migrates = configuration.migration == .whenWaiting && parallelism > 1
    readiness = configuration.readiness
    limit = Atomic(parallelism)
    let size = Self.tableSize(parallelism)
    table = .allocate(capacity: size)
    table.initialize(repeating: nil, count: size)
  }

  deinit {
    if let reactor = reactorPointer.load(ordering: .acquiring) { Unmanaged<Reactor>.fromOpaque(reactor).release() }
    table.deallocate()
  }

  /// The scheduler that runs the calling fiber; nil on a plain thread.
  public static var current: Scheduler? { Worker.ofThisThreadIfAny?.pointee.scheduler?.takeUnretainedValue() }

  // MARK: Time

  var now: Int64 { isVirtual ? virtualNow.load(ordering: .relaxed) : System.monotonicNow() }

  /// Whether a fiber waits for what comes from outside, such as a descriptor; virtual time stands still meanwhile.
  ///
  /// Certain if all workers sleep. Otherwise it may be wrong, if a fiber began to wait on one worker and went on on another.
  var expectsOutside: Bool {
    var expected = outsideWakeups.load(ordering: .sequentiallyConsistent)
    for index in 0..<places.load(ordering: .acquiring) {
      expected += worker(index).pointee.expected.load(ordering: .relaxed)
    }
    return expected > 0
  }

  /// Whether there is a timer, or something outside to wait for.
  func isTimeLeft(_ me: WorkerRef) -> Bool { me.pointee.timers.earliest != .max || expectsOutside }

  /// With all workers asleep and nothing under way, jumps to the next timer and fires what is due; false if there is no timer.
  func advanceVirtualTime(_ me: WorkerRef) -> Bool {
    // One at a time: expired fibers are queued before the next look. No worker may have woken meanwhile: one that takes a
    // fiber from a queue that then seems empty has first left the sleepers and then counted its waking.
    timeLock.lock()
    defer { timeLock.unlock() }
    let risingsBefore = risings.load(ordering: .sequentiallyConsistent)
    if !isEverybodyAsleep { return false }
    if expectsOutside { return false }
    var earliest = Int64.max
    for index in 0..<places.load(ordering: .acquiring) {
      let worker = worker(index)
      if worker.pointee.queue.count > 0 || !worker.pointee.inbox.isEmpty { return false }
      earliest = min(earliest, worker.pointee.timers.earliest)
    }
    if earliest == .max || overflowCount.load(ordering: .acquiring) > 0 { return false }
    if risings.load(ordering: .sequentiallyConsistent) != risingsBefore { return false }
    virtualNow.store(earliest, ordering: .relaxed)
    for index in 0..<places.load(ordering: .acquiring) {
      _ = worker(index).pointee.timers.fire(earliest)
    }
    return true
  }
}
