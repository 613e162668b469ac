import CSwitch
import Synchronization

extension Worker {
  static func make(for scheduler: Scheduler, index: Int, duty: Duty = .regular, home: ScopeRef) -> WorkerRef {
    let worker = WorkerRef.allocate(capacity: 1)
    let loop = FiberSlab.allocateSingle()
    loop.initialize(.loop, worker: worker, home: home)
    worker.initialize(to: Worker(scheduler, index: index, duty: duty, loop: loop))
    scheduler.attachRecorder(to: worker)
    return worker
  }

  /// Called on the thread that will run the worker, if that is not the one that made it.
  mutating func adoptThread() {
    pace.accessHead = cs_exclusivity_head()
    pace.findTaskWords()
    pace.quickYields = quickYieldMask
    loop.pointee.stack = .forThread()
    place.task.store(System.thisTask, ordering: .releasing)
  }
}

extension WorkerRef {
  /// Whether the monitor may take the stack of what runs on the worker's thread, by a signal to it.
  var admitsSamples: Bool {
    pointee.scheduler!._withUnsafeGuaranteedRef { scheduler in
      // The thread of an event loop runs code of others, and may be exchanged.
      scheduler.monitor?.reports.tellsOfStalls == true && scheduler.settings.guest == nil
    }
  }

  /// Lets it do so, if it may report a stall; called on the thread.
  ///
  /// - Returns: whether the thread refused that before, and is to refuse it again.
  func admitSamples() -> Bool { admitsSamples && System.admitSamples() }

  /// Runs fibers until the scheduler stops.
  func runLoop() {
    let loop = pointee.loop
    while let fiber = nextFromHandover() ?? pickRunnable() ?? findWork() {
      run(fiber, instead: loop, .idles)
      if owesTurn { guest!._withUnsafeGuaranteedRef { $0.giveWay() } }
    }
  }

  /// Whether it runs on the thread of an event loop that has waited for long enough.
  var owesTurn: Bool { guest?._withUnsafeGuaranteedRef { $0.owesTurn } ?? false }

  private var guest: Unmanaged<Guest>? {
    guard pointee.place.index == 0 else { return nil }
    return pointee.scheduler?._withUnsafeGuaranteedRef { $0.settings.guest.map { .passUnretained($0) } } ?? nil
  }

  private func findWork() -> FiberRef? {
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.findWork(self) }
  }

  /// The fiber that was picked too early: waits until it has left its stack, or has failed for want of one.
  private func nextFromHandover() -> FiberRef? {
    guard let fiber = pointee.pace.handedOver else { return nil }
    pointee.pace.handedOver = nil
    if fiber.pointee.stack == nil {
      do { try start(fiber) } catch {
        count(pointee.counters.ended)
        fiber.pointee.body!._withUnsafeGuaranteedRef { $0.failUnstarted(error) }
        fiber.finishUnstarted()
        return nextFromHandover()
      }
    } else {
      spin { fiber.pointee.savedStack.load(ordering: .acquiring) == 0 }
    }
    return fiber
  }

  /// Gives back the stacks and records that a thread keeps for its next fibers.
  func giveBackMemory() {
    returnStacks(keeping: 0)
    FiberSlab.leave(self)
  }

  /// Frees a worker that no thread runs any more.
  func dispose() {
    FiberSlab.leave(self)
    if let reactor = pointee.reactorPointer.load(ordering: .acquiring) {
      Unmanaged<Reactor>.fromOpaque(reactor).release()
    }
    pointee.loop.pointee.stack?.disposeOfThread()
    pointee.loop.destroy()
    pointee.queue.destroy()
    pointee.timers.destroy()
    pointee.sleep.destroy()
    destroy()
  }
}

extension WorkerRef {
  /// Gives a new fiber its stack and first frame.
  @inline(__always)
  func start(_ fiber: FiberRef) throws(StackError) {
    let stack = try takeStack()
    fiber.pointee.stack = stack
    let measures = pointee.scheduler!._withUnsafeGuaranteedRef { $0.stackMeter != nil }
    let saved = cs_prepare(stack.top, measures ? measuredFiberEntry : fiberEntry, fiber)
    fiber.pointee.savedStack.store(UInt(bitPattern: saved), ordering: .relaxed)
    noteBegun()
  }

  /// A fiber begins here, and if it is bound to its thread, ends here.
  @inline(__always)
  func noteBegun() {
    if !pointee.queue.pointee.sharesBegun { count(pointee.counters.begun) }
  }

  @inline(__always)
  func noteEnded() {
    if !pointee.queue.pointee.sharesBegun { count(pointee.counters.begun, -1) }
  }
}

/// The first frame of a stack that is not measured, for one fiber after the other.
///
/// Nothing that needs releasing may live in it: it is left for ever by the last switch.
private let fiberEntry: @convention(c) (UnsafeMutableRawPointer) -> Void = { argument in
  if cs_is_sanitized { cs_entered() }
  var me = argument.assumingMemoryBound(to: FiberRecord.self)
  let stack = me.pointee.stack!
  repeat {
    runToEnd(me)
    // The record may be gone, and the fiber may have moved since it began: only the stack and the thread count now.
    me = Worker.runNextAfterEnd(on: stack)
  } while true
}

@inline(never)
private func runToEnd(_ me: FiberRef) {
  me.runBody()
  me.end()
}

extension FiberRef {
  @inline(__always)
  func end() {
    // Counted before the end is published.
    pointee.worker.count(pointee.worker.pointee.counters.ended)
    finish()
  }

  /// Ends the fiber: publishes the result, wakes its waiters, notes a failure with the home scope and leaves it.
  ///
  /// In this order, so that a waiting parent is given the error itself and not the cancellation that follows from it.
  @inline(__always)
  func finish() {
    let body = pointee.body.unsafelyUnwrapped
    let hasFailed = body._withUnsafeGuaranteedRef { $0.status == .failed }
    if pointee.worker.isObserved { observeEnd(body) }
    if hasFailed { trace(body) }
    // Before the result can be asked for: a coroutine may be part of it.
    leaveSuspendedScopes()
    if pointee.surroundings.locals != nil { pointee.surroundings.locals = nil }
    leaveTaskLocals()
    publishEnd(body)
    if hasFailed { note(body) }
    let fate = FiberSlab.settle(self, body)
    homeNursery.remove(self)
    FiberSlab.takeBack(self, fate)
  }

  /// The end of a fiber whose body has not run.
  @inline(never)
  func finishUnstarted() { finish() }

  @inline(never)
  private func trace(_ body: Unmanaged<FiberBody>) {
    FailureTrace.note(body._withUnsafeGuaranteedRef { $0.error! }, traceStep)
  }

  /// CancellationError is an ending, not a failure.
  @inline(never)
  private func note(_ body: Unmanaged<FiberBody>) {
    let error = body._withUnsafeGuaranteedRef { $0.error! }
    if error is CancellationError { homeNursery.noteCancellation() } else { homeNursery.noteFailure(error) }
  }
}

extension Worker {
  /// After a fiber has ended on `stack`: if the next to run has no stack yet, it takes this one over, hot, and is
  /// returned.
  ///
  /// Any other is switched to, and the stack, which is never continued, is kept for a later fiber.
  @inline(never)
  static func runNextAfterEnd(on stack: StackRef) -> FiberRef {
    let worker = ofThisThread
    worker.noteEnded()
    let next = worker.pickRunnable() ?? worker.pointee.loop
    if worker.isObserved { worker.observeSwitch(from: nil, to: next, .ends) }
    if next.pointee.stack == nil {
      next.pointee.stack = stack
      next.pointee.worker = worker
      worker.pointee.current = next
      worker.pointee.pace.budget = worker.pointee.pace.fullBudget
      worker.noteBegun()
      worker.beginTaskLocals(of: next)
      return next
    }
    worker.keepStack(stack)
    worker.leaveForEver(to: next)
  }
}
