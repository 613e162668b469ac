import CSwitch
import Synchronization

extension Scheduler {
  /// Runs `body` as the root fiber of a new scheduler, on the calling thread, which is blocked meanwhile.
  ///
  /// Returns when the body and every fiber that was spawned inside have ended.
  ///
  /// Inside a task the body and all fibers have the task's values of task-locals, but no current task.
  ///
  /// - Throws: `ConfigurationError`; `DeadlockError`; what the body throws; otherwise the first failure of a fiber spawned into the root
  ///   scope. The other errors go to the suppressed-error handler.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'try await withNursery { }'")
  public static func run<Result>(
    _ configuration: Configuration = Configuration(), _ body: () throws -> Result
  ) throws -> Result {
    FaultReporter.install()
    do {
      return try Performer.current().outsideTask { try Scheduler(configuration).run(body) }
    } catch {
      FaultReporter.note(error)
      throw error
    }
  }

  private func run<Result>(_ body: () throws -> Result) throws -> Result {
    let outer = Worker.ofThisThread
    if cs_task_locals_word() == nil, cs_task_locals_first() != nil {
      throw ConfigurationError(TaskLocalValues.refusal)
    }
    // Fibers of a run inside a blocking call may wait for that pool themselves.
    BlockingPool.lendPlace(of: outer.pointee.current, 1)
    defer { BlockingPool.lendPlace(of: outer.pointee.current, -1) }
    let console = try settings.console?.open()
    // The calling thread is worker 0's; an event loop's guest sleeps on another one.
    let slack = clock.isVirtual || settings.guest != nil ? 0 : cs_timers_sharpen()
    defer { cs_timers_relax(slack) }
    let root = try begin(inside: outer.pointee.current)
    let refusesSamples = workers[0].admitSamples()
    meter?.begin(self)
    let result: Swift.Result<Result, any Error>
    do {
      try console?.begin(self)
      result = .success(try body())
    } catch {
      result = .failure(error)
      root.scope.cancel(.failure)
    }
    var failures = end(root, inside: outer.pointee.current, console)
    if refusesSamples { System.refuseSamples() }
    if let metrics { meter?.end(metrics) }
    if case .failure(let error) = result, !(error is CancellationError) {
      let bodys = ErrorIdentity(error)
      failures = [error] + failures.filter { ErrorIdentity($0) != bodys }
    }
    let thrown = outcome.deadlock ?? failures.first
    for error in outcome.deadlock == nil ? failures.dropFirst() : failures[...] { report(suppressed: error) }
    if let thrown { throw thrown }
    return try result.get()
  }

  /// Makes the calling thread worker 0 and the caller its root fiber, on which the same values are bound.
  ///
  /// The root scope lies inside the caller's innermost one, so a timeout or a cancel scope around a run reaches into
  /// it.
  private func begin(inside caller: FiberRef) throws -> FiberRef {
    let loopStack = try stackPool.take()
    let root = FiberSlab.allocate(Worker.ofThisThread)
    let nursery = NurseryRef.make(
      parent: caller.scope, host: root, opener: caller, worker: nil, scheduler: .passUnretained(self))
    let scope = nursery.scope
    let worker = Worker.make(for: self, index: 0, home: scope)
    worker.pointee.place.thread = System.thisThread
    worker.pointee.place.task.store(System.thisTask, ordering: .releasing)
    rootScope = scope
    workers.lock.lock()
    workers.add(worker)
    if let monitor, monitor.reports.tellsOfStalls { monitor.start(for: self) }
    workers.lock.unlock()
    scope.pointee.alarm.worker = worker
    root.pointee.renew(.root, id: 0, worker: worker, home: scope, locals: caller.pointee.surroundings.locals)
    // They are bound on the thread already.
    root.pointee.surroundings.taskLocals.inherited = caller.pointee.surroundings.taskLocals.inherited
    // On a fiber the root runs on that fiber's stack.
    root.pointee.stack = caller.pointee.stack ?? .forThread()
    if worker.isObserved { worker.observeOpening(scope, .run) }
    let loop = worker.pointee.loop
    loop.pointee.stack = loopStack
    let saved = cs_prepare(loopStack.top, loopEntry, worker)
    loop.pointee.savedStack.store(UInt(bitPattern: saved), ordering: .relaxed)
    worker.pointee.current = root
    cs_set_thread_pointer(worker)
    let around = caller.scope
    around.adopt(scope)
    nursery.inheritDraining(from: around)
    caller.scope.moveDeadlines(from: caller.pointee.worker, to: worker)
    _ = cs_install_signal_stack()
    LiveSchedulers.add(self)
    return root
  }

  /// Waits for the last fiber, ends the other workers and frees everything; returns the failures of the root scope's
  /// children.
  private func end(_ root: FiberRef, inside caller: FiberRef, _ console: (any Attendant)?) -> [any Error] {
    let scope = root.scope
    let nursery = scope.pointee.nursery!
    nursery.joinChildren(root)
    console?.end()
    root.leaveSuspendedScopes()
    let failures = nursery.failures
    scope.close()
    let worker = workers[0]
    caller.scope.moveDeadlines(from: worker, to: caller.pointee.worker)
    stopWorkers()
    LiveSchedulers.remove(self)
    endStatistics()
    rootScope = nil
    decisions?.inventory?.noteTimersLeft(worker.pointee.timers.count)
    let loopStack = worker.pointee.loop.pointee.stack!
    for index in workers.indices { workers[index].returnStacks(keeping: 0) }
    loopStack.pointee.nextFree = nil
    stackPool.give(loopStack, count: 1)
    stackPool.trim(keeping: StackPool.keptStacks)
    worker.pointee.loop.pointee.stack = nil
    if caller.pointee.stack == nil { root.pointee.stack!.disposeOfThread() }
    cs_set_thread_pointer(caller.pointee.worker)
    root.pointee.surroundings.taskLocals.inherited = nil
    FiberSlab.free(root)
    for index in workers.indices { workers[index].dispose() }
    nursery.free()
    return failures
  }
}

private let loopEntry: @convention(c) (UnsafeMutableRawPointer) -> Void = { argument in
  cs_entered()
  argument.assumingMemoryBound(to: Worker.self).runLoop()
  fatalError("worker 0's loop ended before its root fiber")
}

extension Scheduler {
  /// Runs `body` under a new scheduler on a thread of its own, with these values of task-locals, and hands the result to
  /// `completion` there.
  package static func runOnThread<Result: Sendable>(
    _ configuration: Configuration, _ taskLocals: TaskLocalValues?, _ body: @escaping @Sendable () throws -> Result,
    completion: @escaping @Sendable (Swift.Result<Result, any Error>) -> Void
  ) throws {
    let job = UnsafeMutablePointer<() -> Void>.allocate(capacity: 1)
    job.initialize {
      completion(
        Swift.Result { try Performer.current().withTaskLocals(taskLocals) { try Scheduler.run(configuration, body) } })
    }
    do {
      let thread = try System.startThread("fibers-0", job) { job in
        job!.assumingMemoryBound(to: (() -> Void).self).move()()
        job!.deallocate()
        return nil
      }
      System.detachThread(thread)
    } catch {
      job.destroy()
      throw error
    }
  }

  /// Hands an error that no caller is left to catch to the current scheduler's handler.
  package static func reportSuppressed(_ error: any Error) {
    guard let scheduler = current else { return writeSuppressed(error) }
    scheduler.report(suppressed: error)
  }

  func report(suppressed error: any Error) {
    guard let handler = settings.onSuppressedError else { return Self.writeSuppressed(error) }
    handler(error)
  }

  private static func writeSuppressed(_ error: any Error) {
    System.writeToStandardError("nursery: a further failure was suppressed: \(error)\n")
  }

  /// Cancels everything that runs under the calling fiber's scheduler.
  package static func cancelCurrent() { current?.rootScope?.cancel(.requested(nil)) }
}
