import CSwitch
import Synchronization

extension WorkerRef {
  // MARK: Stacks

  /// A stack from this worker's cache or the scheduler's pool.
  @inline(__always)
  func takeStack() throws(StackError) -> StackRef {
    guard let stack = pointee.freeStacks else { return try takePooledStack() }
    pointee.freeStacks = stack.pointee.nextFree
    pointee.freeStackCount -= 1
    stack.renew()
    return stack
  }

  @inline(never)
  private func takePooledStack() throws(StackError) -> StackRef {
    let stack = pointee.scheduler!._withUnsafeGuaranteedRef { scheduler in
      Result { () throws(StackError) in try scheduler.stackPool.take() }
    }
    return try stack.get()
  }

  /// Keeps a stack for the next fiber.
  ///
  /// The caller may still be running on it if all it does is to leave it: only this thread takes from the cache, and
  /// what goes on to the pool is what came before.
  @inline(__always)
  func keepStack(_ stack: StackRef) {
    if pointee.freeStackCount >= 64 { spillStacks() }
    stack.pointee.nextFree = pointee.freeStacks
    pointee.freeStacks = stack
    pointee.freeStackCount += 1
  }

  /// Where no worker ever sleeps, this is the only place to look for stacks that are not needed.
  @inline(never)
  private func spillStacks() {
    returnStacks(keeping: 32)
    pointee.scheduler!.takeUnretainedValue().stackPool.returnUnneededIfDue()
  }

  func returnStacks(keeping kept: Int) {
    var surplus = pointee.freeStacks
    var last: StackRef?
    for _ in 0..<kept {
      guard let stack = surplus else { return }
      last = stack
      surplus = stack.pointee.nextFree
    }
    guard let first = surplus else { return }
    if let last { last.pointee.nextFree = nil } else { pointee.freeStacks = nil }
    pointee.scheduler!.takeUnretainedValue().stackPool.give(first, count: pointee.freeStackCount - kept)
    pointee.freeStackCount = kept
  }

  // MARK: The first run and the end

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
    if !pointee.queue.pointee.sharesBegun { count(pointee.begun) }
  }

  @inline(__always)
  func noteEnded() {
    if !pointee.queue.pointee.sharesBegun { count(pointee.begun, -1) }
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
    pointee.worker.count(pointee.worker.pointee.ended)
    finish()
  }

  /// Ends the fiber: publishes the result, wakes its waiters, notes a failure with the home scope and leaves it.
  ///
  /// In this order, so that a waiting parent is given the error itself and not the cancellation that follows from it.
  @inline(__always)
  func finish() {
    let body = pointee.body.unsafelyUnwrapped
    let hasFailed = body._withUnsafeGuaranteedRef { $0.status == .failed }
    if hasFailed { trace(body) }
    // Before the result can be asked for: a coroutine may be part of it.
    leaveSuspendedScopes()
    if pointee.surroundings.locals != nil { pointee.surroundings.locals = nil }
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
    if next.pointee.stack == nil {
      next.pointee.stack = stack
      next.pointee.worker = worker
      worker.pointee.current = next
      worker.pointee.budget = worker.pointee.fullBudget
      worker.noteBegun()
      return next
    }
    worker.keepStack(stack)
    worker.leaveForEver(to: next)
  }
}
