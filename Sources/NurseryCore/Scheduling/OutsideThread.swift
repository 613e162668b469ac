import CSwitch
import Synchronization

/// The process's helper thread, which serves performers outside any scheduler.
///
/// It fires the timers of tasks, polls the reactor of plain threads and tasks, and resumes tasks that were committed
/// under a lock. It is started when the first of them needs it. Its `Worker` is the worker of every task that performs,
/// whichever thread the task runs on; so other threads use only its fields that are atomic or have a lock.
///
///     a performer                                   this thread
///     sets a timer, posts, or gives it a reactor    announces the sleep
///     asleep? wakes it                              looks at timers, inbox and reactor -> nothing to do: sleeps
///
/// Invariant: the later of the two sees what the other has done, as in `PlainThread.wait`.
enum OutsideThread {
  nonisolated(unsafe) static let worker = PlainThread.make(isForTasks: true)
  private static let lock = SpinLock(.outside)
  private static let isStarted = Atomic<Bool>(false)

  /// Starts the thread, unless it has been started.
  ///
  /// - Throws: `SystemError` when there can be no further thread; the next call tries again.
  static func start() throws(SystemError) {
    if isStarted.load(ordering: .acquiring) { return }
    lock.lock()
    defer { lock.unlock() }
    if isStarted.load(ordering: .relaxed) { return }
    let thread = try System.startThread("fibers-outside", worker) { argument in
      OutsideThread.run(argument!.assumingMemoryBound(to: Worker.self))
    }
    System.detachThread(thread)
    isStarted.store(true, ordering: .releasing)
  }

  /// Whether this is the thread's worker; false before it has been started.
  static func serves(_ worker: WorkerRef) -> Bool { isStarted.load(ordering: .acquiring) && worker == Self.worker }

  /// Lets the thread poll the reactor, which stays for good, from now on.
  static func sleep(in reactor: Reactor) {
    worker.pointee.reactorPointer.store(Unmanaged.passUnretained(reactor).toOpaque(), ordering: .releasing)
    fullFence()
    worker.pointee.sleep.wake()
  }

  /// Called after a timer of a task has been set.
  static func noteTimer(_ deadline: Int64) {
    TaskPerformer.driven?.waitsForOutside = true
    startOrTrap()
    worker.tellOfTimer(deadline)
  }

  /// Lets the thread resume a committed task: the caller holds a lock.
  static func post(_ task: FiberRef) {
    // A decision later no lock is held.
    if task.pointee.wait.isDriven, let decisions = Worker.ofThisThreadIfAny?.pointee.decisions {
      return decisions._withUnsafeGuaranteedRef { $0.wokenTasks.append(task) }
    }
    startOrTrap()
    worker.post(task)
  }

  private static func startOrTrap() {
    do { try start() } catch {
      fatalError("the helper thread that serves tasks cannot be started: \(error); raise the limit of threads")
    }
  }

  private static func run(_ worker: WorkerRef) -> Never {
    PlainThread.adopt(worker)
    var isPoller = false
    while true {
      worker.pointee.sleep.pointee.prepare()
      fullFence()
      let reactor = worker.reactorIfAny
      if let reactor, !isPoller { isPoller = reactor.takeSeat() }
      let found = sleep(worker, reactor)
      worker.pointee.sleep.pointee.rise()
      if let reactor, found > 0 { reactor.tell(found) }
    }
  }

  /// Resumes posted tasks or fires due timers; if there are none, sleeps.
  ///
  /// - Returns: the number of events in the reactor.
  private static func sleep(_ worker: WorkerRef, _ reactor: Reactor?) -> Int {
    if var task = worker.pointee.inbox.takeAll() {
      while true {
        let next = task.pointee.next
        TaskPerformer.wake(task)
        guard let next else { return 0 }
        task = next
      }
    }
    let earliest = worker.pointee.timers.earliest
    var limit: Int64 = -1
    if earliest != .max {
      let now = System.monotonicNow()
      if worker.pointee.timers.fire(now) { return 0 }
      limit = max(0, earliest - now)
    }
    // As a plain thread does: the deadlock detector counts sleeps without a timer.
    if limit < 0 { worker.countParking() }
    defer { if limit < 0 { worker.countParking() } }
    guard let reactor else {
      worker.pointee.sleep.wait(nanoseconds: limit)
      return 0
    }
    return worker.pointee.sleep.wait(in: reactor, nanoseconds: limit)
  }
}
