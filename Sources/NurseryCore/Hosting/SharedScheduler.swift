import Synchronization

extension Scheduler {
  /// The scheduler of the process, which runs the nurseries that asynchronous code opens without a configuration.
  ///
  /// It starts with the first of them, or when it is asked for, and runs until the process exits. It has a worker for
  /// each processor, at least two, and the real clock. It reports no deadlock: a nursery that waits for ever is a task
  /// that waits for ever. `FiberDump` and `statistics` show the fibers of all its nurseries.
  ///
  /// - Throws: `SystemError` or `StackError` if it cannot be started; the next call tries again.
  public static var shared: Scheduler {
    get throws { try SharedScheduler.nursery().scope.pointee.scheduler!.takeUnretainedValue() }
  }
}

/// Runs the nurseries of asynchronous code as fibers of one scheduler.
///
///     a task                                       the scheduler's thread "fibers-0"
///     the first one starts the thread      --->    begins its run, opens the nursery of all hosts, waits for ever
///     spawns a host into it, queues it     --->    a worker runs it: the scope that the task cancels, the user's nursery
///     waits on its thread for some microseconds,
///     then suspends                        <---    the host has ended
///
/// No thread waits while a task is suspended, and no fiber waits for a worker that waits for it: a nested nursery is a
/// fresh fiber, which any worker runs. If fibers block all workers, stand-ins run fresh fibers (`Monitor`).
///
/// Two hand-overs between threads cost ten times as much as the nursery. So the last worker to fall asleep watches for
/// its next fiber a little longer, and the task for the end.
package enum SharedScheduler {
  /// The address of the nursery of the hosts; zero until it is open.
  private static let opened = Atomic<UInt>(0)
  private static let starting = Protected(())
  /// Why it could not be started last.
  private static let failure = Protected<(any Error)?>(nil)
  /// Hosts that have been spawned and whose bodies have not ended.
  private static let unfinished = Atomic<Int>(0)
  /// Where a thread sleeps that starts the scheduler.
  ///
  /// It stays: a waker may touch it last of all.
  nonisolated(unsafe) private static let start = UnsafeMutablePointer.new(SleepWord())

  /// How long a task waits on its thread for the end of its nursery.
  private static let taskPatience: Int64 = 5_000
  /// How long the last worker watches for a fiber before it sleeps.
  private static let workerPatience: Int64 = 20_000

  /// Runs `body` in a fiber of the shared scheduler, which has the task's values of task-locals.
  ///
  /// Suspends the task until the fiber has ended, whether or not the task is cancelled.
  package nonisolated(nonsending) static func run<Value: Sendable>(
    _ site: SourceSite, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let host = try spawn(site) {
      defer { unfinished.subtract(1, ordering: .relaxed) }
      return Result(catching: body)
    }
    if !waits(for: host.body) {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        host.body.whenEnded { continuation.resume() }
      }
    }
    let result: Result<Value, any Error>
    do {
      // Acquires what the fiber wrote: a sanitizer does not see the order that the runtime's continuation makes.
      require(host.isEnded, "a task was resumed before its nursery had ended")
      result = try host.outcome()
    } catch {
      // There was no stack for it.
      unfinished.subtract(1, ordering: .relaxed)
      throw error
    }
    if case .failure(let error) = result { FaultReporter.note(error) }
    return try result.get()
  }

  private static func spawn<Value>(
    _ site: SourceSite, _ body: @escaping () -> Value
  ) throws -> FiberCore<Value> {
    let nursery = try nursery()
    unfinished.add(1, ordering: .relaxed)
    let host = nursery.makeChild(nil, site)
    // A task has no fiber-locals, even if it runs on a fiber's stack.
    host.record.pointee.surroundings.locals = nil
    FiberCore.load(host, body)
    nursery.launch(host, nil)
    return FiberCore(host)
  }

  /// Whether a fiber ends while its task waits on the thread, which must not be a worker's.
  private static func waits(for host: FiberBody) -> Bool {
    if Worker.ofThisThread.pointee.scheduler != nil { return false }
    return Spinning.wait(nanoseconds: taskPatience) { host.isEnded }
  }

  // MARK: What the scheduler asks

  /// Whether a worker is awake that has no fiber to run: if the queued host is the only one, any that is awake.
  ///
  /// It looks at the queue before it sleeps. Called when the host has been queued.
  static func isWorkerAboutToLook(_ scheduler: Scheduler) -> Bool {
    guard unfinished.load(ordering: .relaxed) <= 1 else { return false }
    // The queue before the look at the sleepers; they do it the other way round.
    fullFence()
    return !scheduler.workers.areAllAsleep
  }

  /// Whether the last worker, which is about to sleep for `limit` nanoseconds, is called within its patience.
  static func watches(_ me: WorkerRef, _ limit: Int64) -> Bool {
    // Descriptors are watched by a sleep in a reactor.
    if me.reactorIfAny != nil { return false }
    let patience = limit < 0 ? workerPatience : min(limit, workerPatience)
    return me.pointee.sleep.pointee.watch(nanoseconds: patience)
  }

  // MARK: The start

  fileprivate static func nursery() throws -> NurseryRef {
    if let nursery = openedNursery { return nursery }
    try starting.withLock { _ in
      if openedNursery == nil { try begin() }
    }
    return openedNursery!
  }

  private static var openedNursery: NurseryRef? { NurseryRef(bitPattern: opened.load(ordering: .acquiring)) }

  /// Starts the thread, and waits until the nursery is open.
  private static func begin() throws {
    start.pointee.prepare()
    let thread = try System.startThread("fibers-0", start) { _ in
      SharedScheduler.runForEver()
      return nil
    }
    System.detachThread(thread)
    while start.pointee.isAsleep { start.wait(nanoseconds: -1) }
    if openedNursery == nil { throw failure.withLock { $0! } }
  }

  /// Returns if the scheduler cannot be started.
  ///
  /// Nothing is captured: a leak checker does not look at the stack of a thread whose worker is in its loop.
  private static func runForEver() {
    do {
      var configuration = Configuration(onDeadlock: .wait)
      configuration.parallelism = max(2, try configuration.resolvedParallelism())
      configuration.isShared = true
      try Scheduler.run(configuration) {
        // A fiber that cannot begin does not fail the others.
        let nursery = NurseryRef.open(
          host: Performer.current(), SourceSite(), NurseryRecord.Traits(supervises: true))
        opened.store(UInt(bitPattern: nursery), ordering: .releasing)
        Scheduler.current!.startMonitor()
        start.wake()
        try ScopeRef.shielding { try Op<Void>.never.perform() }
      }
    } catch {
      failure.withLock { $0 = error }
      start.wake()
    }
  }
}
