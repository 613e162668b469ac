import CSwitch
import Synchronization

/// Runs fibers on one or more threads.
///
/// A scheduler lives as long as one call of `run`: the calling thread is its first worker and runs the body; further
/// workers are started when there is work for them and have ended when `run` returns.
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
  /// Found while everybody sleeps, and followed by a cancellation; read by the root fiber when everything has ended.
  @exclusivity(unchecked) var deadlock: DeadlockError?
  let onSuppressedError: (@Sendable (any Error) -> Void)?
  let onDeadlock: Configuration.DeadlockResponse
  private let workers: UnsafeMutablePointer<WorkerRef?>
  let startedWorkers = Atomic<Int>(1)

  /// Guards the mail, the overflow and the start of workers.
  let lock = SpinLock()
  @exclusivity(unchecked) var firstOverflow: FiberRef?
  @exclusivity(unchecked) var lastOverflow: FiberRef?
  let overflowCount = Atomic<Int>(0)

  let isStopping = Atomic<Bool>(false)
  let sleepers = Atomic<Int>(0)
  /// How often a worker has left the sleepers; counted after it has left and before it takes anything.
  let risings = Atomic<Int>(0)
  /// Threads and workers of other schedulers that are handing us a fiber; `run` does not return while one still touches us.
  let outsiders = Atomic<Int>(0)
  /// The worker that keeps watch for the others that sleep; -1 if none does.
  let watch = Atomic<Int>(-1)
  let watchDeadline = Atomic<Int64>(.max)
  let isInspecting = Atomic<Bool>(false)
  let steals = Atomic<Int>(0)
  /// Fibers that other threads than the workers have spawned, and those of them that never ran.
  let spawnedOutside = Atomic<Int>(0)
  let endedOutside = Atomic<Int>(0)
  /// Waits whose end comes from outside, such as a descriptor's; virtual time stands still for them.
  let expectations = Atomic<Int>(0)
  /// Held by the sleeper that acts for all: advances virtual time, or looks for a deadlock.
  let timeLock = SpinLock()
  private let virtualNow = Atomic<Int64>(0)

  init(_ configuration: Configuration) throws {
    parallelism = try configuration.resolvedParallelism()
    stackPool = try StackPool.shared(stackSize: configuration.stackSize)
    stackMeter = configuration.measuresStacks && !System.isSanitized ? StackMeter() : nil
    isVirtual = configuration.clock == .virtual
    seed = configuration.seed ?? System.randomSeed
    decisions = configuration.makeDecisions?()
    onSuppressedError = configuration.onSuppressedError
    onDeadlock = configuration.onDeadlock
    workers = .allocate(capacity: parallelism)
    workers.initialize(repeating: nil, count: parallelism)
  }

  deinit { workers.deallocate() }

  /// The scheduler that runs the calling fiber; nil on a plain thread.
  public static var current: Scheduler? { Worker.ofThisThreadIfAny?.pointee.scheduler?.takeUnretainedValue() }

  func worker(_ index: Int) -> WorkerRef { workers[index]! }

  func install(_ worker: WorkerRef, at index: Int) { workers[index] = worker }

  // MARK: Time

  var now: Int64 { isVirtual ? virtualNow.load(ordering: .relaxed) : System.monotonicNow() }

  func expectOutside() { expectations.add(1, ordering: .relaxed) }
  func endExpectation() { expectations.subtract(1, ordering: .relaxed) }

  /// Whether there is a timer, or something outside to wait for.
  func isTimeLeft(_ me: WorkerRef) -> Bool {
    me.pointee.timers.earliest != .max || expectations.load(ordering: .relaxed) > 0
  }

  /// With everybody asleep and nothing under way, jumps to the next timer and fires what is due; false if there is no timer.
  func advanceVirtualTime(_ me: WorkerRef) -> Bool {
    // One at a time, so what fires is queued before the next one looks. And nobody may have risen while we looked: who takes a
    // fiber from a queue that then seems empty has first left the sleepers and then counted his rising.
    timeLock.lock()
    defer { timeLock.unlock() }
    let risingsBefore = risings.load(ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) != startedWorkers.load(ordering: .acquiring) { return false }
    if expectations.load(ordering: .relaxed) > 0 { return false }
    var earliest = Int64.max
    for index in 0..<startedWorkers.load(ordering: .acquiring) {
      let worker = worker(index)
      if worker.pointee.queue.count > 0 || worker.pointee.hasMail.load(ordering: .acquiring) { return false }
      earliest = min(earliest, worker.pointee.timers.earliest)
    }
    if earliest == .max || overflowCount.load(ordering: .acquiring) > 0 { return false }
    if risings.load(ordering: .sequentiallyConsistent) != risingsBefore { return false }
    virtualNow.store(earliest, ordering: .relaxed)
    for index in 0..<startedWorkers.load(ordering: .acquiring) {
      _ = worker(index).pointee.timers.fire(earliest)
    }
    return true
  }

  // MARK: Workers

  /// Starts one more worker, if the limit allows.
  func startWorker() {
    lock.lock()
    defer { lock.unlock() }
    let index = startedWorkers.load(ordering: .relaxed)
    guard index < parallelism, !isStopping.load(ordering: .relaxed) else { return }
    let worker = Worker.make(for: self, index: index, home: worker(0).pointee.loop.pointee.home)
    workers[index] = worker
    do {
      worker.pointee.thread = try System.startThread("fibers-\(index)", worker, workerThread)
      startedWorkers.store(index + 1, ordering: .releasing)
    } catch {
      // The workers that exist carry on; the next call for help tries again.
      workers[index] = nil
      worker.dispose()
    }
  }

  func waitUntilStarted() {
    lock.lock()
    lock.unlock()
  }

  /// Ends the other workers.
  ///
  /// Every fiber has ended.
  func stopWorkers() {
    lock.lock()
    isStopping.store(true, ordering: .sequentiallyConsistent)
    lock.unlock()
    for index in 1..<max(1, startedWorkers.load(ordering: .acquiring)) {
      let worker = worker(index)
      worker.pointee.sleep.wake()
      System.joinThread(worker.pointee.thread)
    }
    spin { self.outsiders.load(ordering: .acquiring) != 0 }
  }
}

/// What a worker's thread runs: its loop, on the thread's own stack, until the scheduler stops.
private let workerThread: System.ThreadBody = { argument in
  let worker = argument!.assumingMemoryBound(to: Worker.self)
  // Whoever starts a worker holds the lock until the worker counts.
  worker.pointee.scheduler!._withUnsafeGuaranteedRef { $0.waitUntilStarted() }
  worker.pointee.adoptThread()
  cs_set_thread_pointer(worker)
  _ = cs_install_signal_stack()
  worker.runLoop()
  cs_set_thread_pointer(nil)
  return nil
}
