import CSwitch
import Synchronization

extension WorkerRef {
  /// The next fiber to run here, or nil.
  ///
  /// Looks at timers, the inbox and the global queue now and then even when the own queue never runs dry.
  @inline(__always)
  func pickRunnable() -> FiberRef? {
    pointee.pace.tick &+= 1
    return pickCounted()
  }

  /// As `pickRunnable`, which has counted the pick.
  @inline(__always)
  private func pickCounted() -> FiberRef? {
    if let decisions = pointee.decisions {
      if pointee.pace.tick & 63 == 0 { pollReactor() }
      return pickByDecision(decisions)
    }
    // The loop gives way to an event loop's code.
    if pointee.pace.tick & 63 == 0, lookAround() { return nil }
    return pointee.queue.pop()
  }

  /// Runs others until `me` is picked; the pick has been counted.
  @inline(__always)
  func leave(_ me: FiberRef, _ departure: RecordedEvent.Departure = .waits) {
    let next = pickCounted() ?? pointee.loop
    if next != me {
      run(next, instead: me, departure)
    } else {
      // Counts as a switch, so that an inspection sees progress.
      count(pointee.counters.switches)
    }
  }

  /// Runs others until `me`, the running fiber, is picked again.
  ///
  /// Quick where the fiber that has just been woken is all there is to run.
  @inline(__always)
  func park(_ me: FiberRef) {
    pointee.pace.tick &+= 1
    me.pointee.wait.since.store(pointee.pace.turnTime, ordering: .relaxed)
    if pointee.pace.tick & pointee.pace.quickYields != 0, let next = pointee.queue.popOnlyWoken(besides: me) {
      return switchQuickly(from: me, to: next, .waits)
    }
    if me.pointee.kind == .thread { return PlainThread.wait(me) }
    leave(me)
  }

  /// Lets others run before the running fiber.
  ///
  /// Quick where the list of begun fibers is all there is. These have left their stacks, and their worker is this one.
  @inline(__always)
  func yield() {
    pointee.pace.tick &+= 1
    let me = pointee.current
    let mayBeQuick = pointee.pace.tick & pointee.pace.quickYields != 0
    guard mayBeQuick, let next = pointee.queue.rotate(me) else { return yieldSlowly(me) }
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    switchQuickly(from: me, to: next, .yields)
  }

  /// As `run`, to a fiber of this worker that has left its stack.
  @inline(__always)
  private func switchQuickly(from me: FiberRef, to next: FiberRef, _ departure: RecordedEvent.Departure) {
    if isObserved || isInTask || hasTaskLocals(next) { return switchSlowly(from: me, to: next, departure) }
    let saved = UnsafeMutableRawPointer(bitPattern: next.pointee.savedStack.load(ordering: .relaxed))
    next.pointee.savedStack.store(0, ordering: .relaxed)
    pointee.current = next
    pointee.pace.budget = pointee.pace.fullBudget
    count(pointee.counters.switches)
    let head = pointee.pace.accessHead.unsafelyUnwrapped
    me.pointee.surroundings.openAccesses = head.pointee
    head.pointee = next.pointee.surroundings.openAccesses
    cs_switch(me.savedStackSlot, saved.unsafelyUnwrapped, nil, nil)
  }

  @inline(never)
  private func switchSlowly(from me: FiberRef, to next: FiberRef, _ departure: RecordedEvent.Departure) {
    if isObserved { observeSwitch(from: me, to: next, departure) }
    switchOver(from: me, to: next)
  }

  @inline(never)
  private func yieldSlowly(_ me: FiberRef) {
    guard me.runsOnScheduler else { return }
    if let decisions = pointee.decisions {
      // It counts the pick itself.
      pointee.pace.tick &-= 1
      return yieldByDecision(decisions)
    }
    #if DEBUG
      LockRank.assertNoneIsHeld()
    #endif
    pointee.queue.pushLast(me)
    leave(me, .yields)
  }

  /// The look around that a worker takes now and then while it has something to run.
  ///
  /// - Returns: whether its loop is to run next.
  @inline(never)
  func lookAround() -> Bool {
    beginTurn()
    if pointee.queue.isCrowdWanted { tellCrowd() }
    collectArrivals()
    pollReactor()
    return owesTurn
  }

  /// The running fiber at the beginning of yet another operation, when it has performed many that were ready: others,
  /// and timers that are due, go first.
  @usableFromInline
  @inline(never)
  func enterWithoutBudget() -> FiberRef {
    let me = pointee.current
    pointee.pace.budget = pointee.pace.fullBudget
    if let decisions = pointee.decisions { return enterByDecision(decisions) }
    // An operation that does not wait may be performed in a task that runs on this stack, which cannot be left.
    guard me.runsOnScheduler, !isInTask else { return me }
    if lookAround() {
      pointee.queue.pushLast(me)
      run(pointee.loop, instead: me, .yields)
    } else if pointee.queue.count > 0 {
      pointee.queue.pushLast(me)
      pointee.pace.tick &+= 1
      leave(me, .yields)
    } else {
      // Counts as a switch: it holds up no fiber.
      count(pointee.counters.switches)
    }
    return me
  }

  /// Puts `next` on the processor in place of `me`.
  ///
  /// Returns when `me` runs again, where fibers migrate perhaps on another thread.
  @inline(__always)
  func run(_ next: FiberRef, instead me: FiberRef, _ departure: RecordedEvent.Departure) {
    let next = ready(next)
    if next == me { return }
    // A call in place of what follows, so that the usual way keeps no register for it.
    if isObserved { return switchSlowly(from: me, to: next, departure) }
    switchOver(from: me, to: next)
  }

  @inline(__always)
  private func switchOver(from me: FiberRef, to next: FiberRef) {
    let saved = takeSavedStack(next)
    swapOpenAccesses(from: me, to: next)
    swapTaskLocals(from: me, to: next)
    cs_switch(me.savedStackSlot, saved, me.notes, next.notes)
  }

  /// Puts `next`, which has a stack, on the processor; the running fiber has ended and its stack is free.
  @inline(__always)
  func leaveForEver(to next: FiberRef) -> Never {
    let next = ready(next)
    let saved = takeSavedStack(next)
    dropOpenAccesses(to: next)
    beginTaskLocals(of: next)
    cs_switch(&pointee.pace.discardedStack, saved, nil, next.notes)
    fatalError("an ended fiber was run again")
  }

  /// Makes sure that `next` can be switched to without waiting on this stack; else the loop will see to it.
  @inline(__always)
  private func ready(_ next: FiberRef) -> FiberRef {
    if next.pointee.savedStack.load(ordering: .acquiring) != 0 { return next }
    return prepare(next)
  }

  @inline(never)
  private func prepare(_ next: FiberRef) -> FiberRef {
    if next.pointee.stack == nil, (try? start(next)) != nil { return next }
    // Either it is leaving its stack on another worker just now, or there is no stack for it.
    if next != pointee.loop { pointee.pace.handedOver = next }
    return pointee.loop
  }

  @inline(__always)
  private func takeSavedStack(_ next: FiberRef) -> UnsafeMutableRawPointer {
    let saved = next.pointee.savedStack.load(ordering: .acquiring)
    next.pointee.savedStack.store(0, ordering: .relaxed)
    next.pointee.worker = self
    pointee.current = next
    pointee.pace.budget = pointee.pace.fullBudget
    count(pointee.counters.switches)
    return UnsafeMutableRawPointer(bitPattern: saved)!
  }

  /// Takes the list of open Swift accesses along with the fiber.
  @inline(__always)
  private func swapOpenAccesses(from me: FiberRef, to next: FiberRef) {
    guard let head = pointee.pace.accessHead else { return swapThroughRuntime(from: me, to: next) }
    me.pointee.surroundings.openAccesses = head.pointee
    head.pointee = next.pointee.surroundings.openAccesses
  }

  @inline(never)
  private func swapThroughRuntime(from me: FiberRef, to next: FiberRef) {
    if let stack = me.pointee.stack {
      withUnsafeMutablePointer(to: &stack.pointee.exclusivityState.0) { cs_exclusivity_exit($0) }
    }
    if let stack = next.pointee.stack {
      withUnsafeMutablePointer(to: &stack.pointee.exclusivityState.0) { cs_exclusivity_enter($0) }
    }
  }

  @inline(__always)
  private func dropOpenAccesses(to next: FiberRef) {
    if let head = pointee.pace.accessHead {
      head.pointee = next.pointee.surroundings.openAccesses
    } else if let stack = next.pointee.stack {
      withUnsafeMutablePointer(to: &stack.pointee.exclusivityState.0) { cs_exclusivity_enter($0) }
    }
  }

  /// Whether the running fiber, or the one that is to run, has values of Swift's task-locals.
  ///
  /// Two fibers never have the same storage, so if both words are equal, neither has any. As words: comparing optional
  /// pointers takes two steps.
  @inline(__always)
  private func hasTaskLocals(_ next: FiberRef) -> Bool {
    let current = UnsafeMutableRawPointer(pointee.pace.taskLocals).load(as: UInt.self)
    return current != unsafeBitCast(next.pointee.surroundings.taskLocals.saved, to: UInt.self)
  }

  /// Takes these values along with the fiber; see `TaskLocalValues`.
  @inline(__always)
  private func swapTaskLocals(from me: FiberRef, to next: FiberRef) {
    if isInTask { TaskLocalValues.refuseTask() }
    if hasTaskLocals(next) { exchangeTaskLocals(from: me, to: next) }
  }

  /// Whether a task runs on the stack of the running fiber.
  ///
  /// The runtime would take it for the task of whatever runs next on this thread.
  @usableFromInline
  var isInTask: Bool {
    @inline(__always) get { UnsafeMutableRawPointer(pointee.pace.task).load(as: UInt.self) != 0 }
  }

  @inline(never)
  private func exchangeTaskLocals(from me: FiberRef, to next: FiberRef) {
    let word = pointee.pace.taskLocals
    // Where the word is not known, no fiber has values, or this traps.
    if word == cs_task_locals_unknown() { return TaskLocalValues.refuse() }
    me.pointee.surroundings.taskLocals.saved = word.pointee
    word.pointee = next.pointee.surroundings.taskLocals.saved
    next.pointee.surroundings.taskLocals.saved = nil
  }

  /// Gives a fiber its values after another one has ended, which has left none.
  @inline(__always)
  func beginTaskLocals(of next: FiberRef) {
    guard let values = next.pointee.surroundings.taskLocals.saved else { return }
    pointee.pace.taskLocals.pointee = values
    next.pointee.surroundings.taskLocals.saved = nil
  }
}

extension FiberRef {
  /// Lets the fibers that this one has queued since it was picked run before others; it is about to wait for them.
  @inline(__always)
  func letChildrenGoFirst() {
    guard runsOnScheduler, pointee.worker.pointee.decisions == nil else { return }
    pointee.worker.pointee.queue.hurryBatch()
  }

  /// What the sanitizers know about the stack that the fiber is on; nil in other builds, where nothing asks.
  @inline(__always)
  var notes: UnsafeMutablePointer<cs_stack_notes>? { cs_is_sanitized ? pointee.stack!.notes : nil }
}
