import CSwitch
import Synchronization

/// Runs fibers on one or more threads.
///
/// A scheduler lives as long as one call of `run`: the calling thread is its first worker and runs the body; further
/// workers, and a monitor that serves what busy workers hold up, are started when there is work for them and have ended
/// when `run` returns. `spawnWorker` and `retireWorker` change how many workers there may be.
public final class Scheduler: @unchecked Sendable {
  let settings: Settings
  package let stackPool: StackPool
  /// Where stacks are measured.
  let stackMeter: StackMeter?
  let clock: SchedulerClock
  let decisions: Decisions?
  let workers: WorkerTable
  let globalQueue = GlobalQueue()
  /// Nil with one worker, unless stalls or lints are asked for.
  let monitor: Monitor?
  let counters = Counters()
  let visitors = Visitors()
  let recording = RecordingState()
  /// Nil without an observer.
  let meter: SchedulerMeter?
  /// The scope of the root fiber, while the scheduler runs.
  @exclusivity(unchecked) var rootScope: ScopeRef?
  @exclusivity(unchecked) var outcome = Outcome()
  let isStopping = Atomic<Bool>(false)
  /// The first reactor of a worker, which others share where they cannot have one of their own; retained.
  let firstReactor = Atomic<UnsafeMutableRawPointer?>(nil)
  /// Held by the sleeper that acts for all: advances virtual time, or looks for a deadlock.
  let timeLock = SpinLock(.time)

  /// What the configuration says.
  struct Settings {
    let parallelism: Int
    let seed: UInt64
    /// How long a fiber may compute before its worker counts as held, in nanoseconds.
    let timeSlice: Int64
    /// Whether fibers that have begun may go on on another worker.
    let migrates: Bool
    let readiness: Configuration.Readiness
    let onSuppressedError: (@Sendable (any Error) -> Void)?
    let onDeadlock: Configuration.DeadlockResponse
    let lints: LintReports
    let console: Configuration.Console?
    /// How many events the recorder keeps of each worker.
    let eventsPerWorker: Int
    let guest: Guest?
    /// Whether it is the process's, which never ends.
    let isShared: Bool

    init(_ configuration: Configuration) throws(ConfigurationError) {
      parallelism = try configuration.resolvedParallelism()
      seed = configuration.seed ?? System.randomSeed
      timeSlice = try configuration.resolvedTimeSlice()
      migrates = configuration.migration == .whenWaiting && parallelism > 1
      readiness = configuration.readiness
      onSuppressedError = configuration.onSuppressedError
      onDeadlock = configuration.onDeadlock
      lints = LintReports(configuration.lints, isVirtual: configuration.clock == .virtual)
      console = configuration.console
      eventsPerWorker = try configuration.recorder.resolvedEvents()
      guest = configuration.guest
      isShared = configuration.isShared
    }

    /// Whether further threads run what held workers have queued.
    var hasStandIns: Bool { migrates || isShared }
    /// How many at once; in a shared scheduler enough for fibers that block their threads for nurseries of each other.
    var mostStandIns: Int { isShared ? WorkerTable.mostWorkers : parallelism }
  }

  /// What a scheduler counts that is no single worker's.
  struct Counters: ~Copyable {
    /// How often a worker has taken fibers over from another.
    let steals = Atomic<Int>(0)
    /// How often the queue of a worker that did not get anywhere was taken over.
    let takeovers = Atomic<Int>(0)
    /// Fibers that other threads than the workers have spawned, and those of them that never ran.
    let spawnedOutside = Atomic<Int>(0)
    let endedOutside = Atomic<Int>(0)
  }

  /// Foreign threads that use the scheduler; `run` does not return while one does.
  struct Visitors: ~Copyable {
    /// Those that are handing us a fiber.
    let handing = Atomic<Int>(0)
    /// Those that look at the workers and fibers.
    let observing = Atomic<Int>(0)
    /// How many wakeups from outside have been announced; see `OutsideWakeup`.
    let announced = Atomic<Int>(0)
    /// Set when the run is over: `Outcome.statistics` is the answer from then on.
    let hasEnded = Atomic<Bool>(false)
  }

  /// What is left of a run.
  struct Outcome {
    /// Found while all workers sleep, and followed by a cancellation; read by the root fiber when everything has ended.
    var deadlock: DeadlockError?
    /// What is answered when the run is over.
    var statistics = Statistics()
  }

  init(_ configuration: Configuration) throws {
    settings = try Settings(configuration)
    cs_settle_fences()
    stackPool = try StackPool.shared(stackSize: configuration.stackSize)
    stackMeter = configuration.measuresStacks && !System.isSanitized ? StackMeter() : nil
    clock = SchedulerClock(configuration.clock)
    decisions = configuration.makeDecisions?()
    workers = WorkerTable(parallelism: settings.parallelism, standIns: settings.mostStandIns)
    meter = configuration.observer.map { SchedulerMeter($0) }
    // A thread in a run that is to be the same every time would be an outsider.
    let tellsOfStalls = configuration.onStall != nil || meter != nil && !clock.isVirtual
    let hasMonitor = settings.parallelism > 1 || tellsOfStalls || settings.lints.areAskedFor
    monitor = hasMonitor ? Monitor(Monitor.Reports(configuration, settings.lints, meter)) : nil
    if configuration.recorder != .off {
      makeRecorder()
      recording.isOn.store(true, ordering: .releasing)
    }
    // The code of the loop may wake a fiber at any time.
    if settings.guest != nil, !clock.isVirtual { visitors.announced.add(1, ordering: .relaxed) }
  }

  deinit {
    if let reactor = firstReactor.load(ordering: .acquiring) { Unmanaged<Reactor>.fromOpaque(reactor).release() }
  }

  /// The scheduler that runs the calling fiber; nil on a plain thread.
  public static var current: Scheduler? { Worker.ofThisThreadIfAny?.pointee.scheduler?.takeUnretainedValue() }

  // MARK: Time

  var now: Int64 { clock.now }
  var isVirtual: Bool { clock.isVirtual }

  /// Whether a fiber waits for what comes from outside, such as a descriptor; virtual time stands still meanwhile.
  ///
  /// Certain if all workers sleep. Otherwise it may be wrong, if a fiber began to wait on one worker and went on on
  /// another.
  var expectsOutside: Bool {
    var expected = visitors.announced.load(ordering: .sequentiallyConsistent)
    for index in workers.indices { expected += workers[index].pointee.counters.expected.load(ordering: .relaxed) }
    return expected > 0
  }

  /// Whether there is a timer, or something outside to wait for.
  func isTimeLeft(_ me: WorkerRef) -> Bool { me.pointee.timers.earliest != .max || expectsOutside }
}
