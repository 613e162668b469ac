import CSwitch
import Synchronization

/// Threads that no scheduler runs can perform operations too: an operation blocks them as it would suspend a fiber.
///
/// Such a thread has a `Worker` without a scheduler, which holds its one record and its timers. It comes from a list
/// and goes back there when the thread ends; its memory stays, because a waker may touch the sleep word last of all.
@usableFromInline
enum PlainThread {
  struct Free: ~Copyable {
    var workers: [WorkerRef] = []
    /// Every one there is: what only a thread's own storage knows looks lost to a leak checker.
    var all: [WorkerRef] = []
    /// How many threads have come: the id of the latest one.
    var registrations: UInt64 = 0
    let lock = SpinLock(.leaf)
  }

  nonisolated(unsafe) static let free: UnsafeMutablePointer<Free> = {
    cs_set_thread_pointer_destructor { pointer in
      PlainThread.unregister(pointer.assumingMemoryBound(to: Worker.self))
    }
    let free = UnsafeMutablePointer.new(Free())
    return free
  }()

  @usableFromInline
  @inline(never)
  static func register() -> WorkerRef {
    let (reused, id) = free.pointee.lock.withLock {
      free.pointee.registrations += 1
      return (free.pointee.workers.popLast(), free.pointee.registrations)
    }
    let worker = reused ?? make()
    worker.pointee.current.pointee.renewForThread(id: id)
    let stack = System.stackOfThisThread
    worker.pointee.plain.stackBottom.store(stack.lowerBound, ordering: .relaxed)
    worker.pointee.plain.stackTop.store(stack.upperBound, ordering: .relaxed)
    adopt(worker)
    return worker
  }

  /// Makes a worker the calling thread's.
  static func adopt(_ worker: WorkerRef) {
    worker.pointee.pace.accessHead = cs_exclusivity_head()
    if worker.pointee.scheduler != nil {
      worker.pointee.pace.findTaskWords()
    }
    cs_set_thread_pointer(worker)
  }

  static func unregister(_ worker: WorkerRef) {
    worker.pointee.current.leaveSuspendedScopes()
    FiberSlab.leave(worker)
    // What the sanitizers know of the thread's stack ends with the thread.
    worker.pointee.current.pointee.stack?.disposeOfThread()
    worker.pointee.current.pointee.stack = nil
    free.pointee.lock.withLock { free.pointee.workers.append(worker) }
  }

  static func make(isForTasks: Bool = false) -> WorkerRef {
    let worker = WorkerRef.allocate(capacity: 1)
    let record = FiberSlab.allocateSingle()
    let scope = ScopeRef.allocate(capacity: 1)
    scope.initialize(
      to: ScopeRecord(
        parent: nil, host: record, opener: nil, worker: worker, scheduler: nil, nursery: nil, SourceSite(),
        isShielded: false))
    record.initialize(.thread, worker: worker, home: scope)
    worker.initialize(to: Worker(nil, isForTasks: isForTasks, loop: record))
    free.pointee.lock.withLock { free.pointee.all.append(worker) }
    return worker
  }

  /// Blocks the thread until its record is made ready, firing its timers meanwhile.
  static func wait(_ me: FiberRef) {
    let worker = me.pointee.worker
    if cs_is_in_task() { lintBlockedTask() }
    worker.beginTurn()
    me.noteWaiting()
    // As a switch would have saved it, for dumps.
    let saved = UInt(bitPattern: cs_caller_frame()) &- UInt(CS_SAVED_FRAME_POINTER)
    me.pointee.savedStack.store(saved, ordering: .releasing)
    while true {
      worker.pointee.sleep.pointee.prepare()
      if worker.pointee.plain.isCalled.exchange(false, ordering: .acquiringAndReleasing) { break }
      // The announcement before the look at the timers: a thread that sets one for this thread does it the other way
      // round (`tellOfTimer`).
      fullFence()
      let earliest = worker.pointee.timers.earliest
      if earliest == .max {
        worker.countParking()
        worker.pointee.sleep.wait(nanoseconds: -1)
        worker.countParking()
      } else {
        let now = System.monotonicNow()
        if !worker.pointee.timers.fire(now) { worker.pointee.sleep.wait(nanoseconds: earliest - now) }
      }
    }
    worker.pointee.sleep.pointee.rise()
    // Before this frame goes: a reader that has found another's words in its place finds this, too.
    _ = me.pointee.savedStack.exchange(0, ordering: .sequentiallyConsistent)
  }

  private static let hasBlockedTask = Atomic<Bool>(false)

  /// Once in a process: where it happens once, it mostly happens often.
  @inline(never)
  private static func lintBlockedTask() {
    guard LintReports.ofProcess.areOn, !hasBlockedTask.exchange(true, ordering: .relaxed) else { return }
    LintReports.ofProcess.report(.blockedTask, at: SourceLines.line(of: StackFrames.ofCaller())) { line in
      "a call at \(line) blocks the thread of a Swift task, and other tasks may wait for that thread: in async code write 'try await', which suspends the task, or 'try await withNursery { }' around it"
    }
  }

  static func wake(_ record: FiberRef) {
    let sleep = record.pointee.worker.pointee.sleep
    record.pointee.worker.pointee.plain.isCalled.store(true, ordering: .sequentiallyConsistent)
    sleep.wake()
  }
}

/// The performer: the running fiber, or the plain thread.
@usableFromInline
package enum Performer {
  /// The calling fiber or thread.
  @usableFromInline
  package static func current() -> FiberRef { Worker.ofThisThread.pointee.current }

  /// The calling fiber or thread, at the beginning of a call that may block.
  @inlinable
  @inline(__always)
  package static func enter() -> FiberRef {
    let worker = Worker.ofThisThread
    worker.pointee.pace.budget &-= 1
    return worker.pointee.pace.budget == 0 ? worker.enterWithoutBudget() : worker.pointee.current
  }

  /// As `enter`, where some loads and comparisons say all: the calling fiber, in a scope without a deadline that is not
  /// cancelled, and running no task's job.
  ///
  /// - Returns: nil if one of it is not so, or the budget ends; then nothing has happened.
  @inlinable
  @inline(__always)
  package static func enterQuickly() -> FiberRef? {
    // In a run with decisions, the only one in which a fiber may run a task's job, an operation is all of the budget.
    guard let worker = Worker.ofThisThreadIfAny, worker.pointee.pace.budget > 1 else { return nil }
    let me = worker.pointee.current
    guard me.pointee.kind.rawValue < FiberRecord.Kind.thread.rawValue, me.surelyIsNotCancelled else { return nil }
    worker.pointee.pace.budget &-= 1
    return me
  }

  /// Waits until every other fiber of the scheduler is parked; time does not advance meanwhile.
  package static func waitUntilOthersAreParked() {
    let me = current()
    guard let scheduler = me.pointee.worker.pointee.scheduler else { return }
    if let decisions = me.pointee.worker.pointee.decisions {
      return me.pointee.worker.standBackByDecision(decisions)
    }
    while !scheduler._withUnsafeGuaranteedRef({ $0.isEverybodyElseParked(me.pointee.worker) }) { yield() }
  }

  /// Whether the scope of the calling fiber or thread, or the calling task, is cancelled.
  package static var isCancelled: Bool {
    let me = current()
    return me.isCancelled || me.runsTask && Task.isCancelled
  }

  /// The calling thread's worker.
  @usableFromInline
  static func worker() -> WorkerRef { Worker.ofThisThread }

  /// Lets the other fibers of this worker run first; nothing on a plain thread.
  @inlinable @inline(__always)
  package static func yield() { yieldPerformer() }
}

/// `Performer.yield`; a free function, since a static one takes a detour.
@usableFromInline
package func yieldPerformer() { Worker.ofThisThread.yield() }
