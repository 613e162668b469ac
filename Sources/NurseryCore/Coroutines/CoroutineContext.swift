import CSwitch

/// The untyped half of a coroutine: its stack and the two saved stack pointers.
///
///     fresh --resume--> running --yield--> suspended --resume--> running --return or throw--> finished
///                                                    --dropped-> unwinding --return or throw--> finished
@usableFromInline
struct CoroutineContext {
  @usableFromInline
  enum State: UInt8 {
    case fresh
    case running
    case suspended
    case unwinding
    case finished
  }

  /// The two saved stack pointers; they lie at the beginning.
  @usableFromInline var pair = cs_pair()
  /// The list of open Swift accesses of the side that is off.
  @usableFromInline var accesses: UnsafeMutableRawPointer?
  @usableFromInline var state = State.fresh
  /// The fiber-locals of the side that is off; the body begins with those of its first resumer.
  @usableFromInline var locals: LocalBinding?
  /// The values of Swift's task-locals of the side that is off; the body begins with those of its first resumer.
  @usableFromInline var taskLocals = TaskLocalStorage()
  /// While it runs: the task that resumed it, on a plain thread or in a job on a fiber's stack.
  ///
  /// The task has one list of values for what the body binds, which it takes along when it yields, and for what the
  /// resumer binds. So the body runs outside of it.
  fileprivate var task: UnsafeMutableRawPointer?
  /// While it runs, and a task has resumed it: the thread's word for task-locals outside of that task.
  fileprivate var outsideTask: UnsafeMutableRawPointer?
  /// While it runs: the coroutine in whose body it was resumed.
  @usableFromInline var outer: UnsafeMutablePointer<CoroutineContext>?
  /// While it runs: the scope that it was resumed in.
  @usableFromInline var base: ScopeRef?
  /// Whether it is suspended inside scopes.
  @usableFromInline var isSuspendedInScopes = false
  /// The scopes; under the lists' lock.
  @usableFromInline var suspended: SuspendedScopes?
  fileprivate let pool: StackPool
  fileprivate let stack: StackRef
  /// The run that counts the stack, if the run is explored.
  fileprivate let inventory: Inventory?
  /// In sanitized builds: the stack that the fiber was on when it resumed.
  fileprivate var resumerStack: StackRef?
  fileprivate var entry: ((UnsafeMutableRawPointer) -> Void)?

  @usableFromInline
  init(stackSize: Int) throws {
    FaultReporter.install()
    _ = cs_install_signal_stack()
    pool = try .shared(stackSize: stackSize)
    stack = try pool.take()
    inventory = .current
    inventory?.noteStackTaken()
  }

  /// Sets what runs on the stack.
  ///
  /// The context lies at the beginning of `core`.
  @usableFromInline
  mutating func prepare(_ core: UnsafeMutableRawPointer, entry: @escaping (UnsafeMutableRawPointer) -> Void) {
    self.entry = entry
    pair.inside = cs_prepare(stack.top, coroutineEntry, core)
  }

  @usableFromInline
  func giveBackStack() {
    pool.give(stack, count: 1)
    inventory?.noteStackGivenBack()
  }

  fileprivate func callEntry(_ core: UnsafeMutableRawPointer) { entry!(core) }

  /// How many bytes are left below the caller's frame.
  var remainingStackSize: Int {
    cs_frame_address() - stack.bottom
  }
}

extension UnsafeMutablePointer<CoroutineContext> {
  @inlinable @inline(__always)
  var pair: UnsafeMutablePointer<cs_pair> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: cs_pair.self)
  }

  /// From the resumer to the body.
  ///
  /// Restores the body's part of the fiber's state: open accesses, fiber-locals, task-locals and open scopes.
  @inlinable @inline(__always)
  func enter(_ state: CoroutineContext.State) {
    if pointee.state == .fresh { takeLocals() }
    pointee.state = state
    guard !cs_is_sanitized, let worker = Worker.ofThisThreadIfAny, let head = worker.pointee.pace.accessHead else {
      return enterSlowly()
    }
    arrive(worker.pointee.current)
    exchangeAccesses(head)
    exchangeTaskLocals(worker)
    cs_pair_enter(pair)
  }

  /// From the body to the resumer; for the last time if the body has ended.
  @inlinable @inline(__always)
  func leave(_ state: CoroutineContext.State) {
    pointee.state = state
    guard !cs_is_sanitized, let worker = Worker.ofThisThreadIfAny, let head = worker.pointee.pace.accessHead else {
      return leaveSlowly()
    }
    depart(worker.pointee.current)
    exchangeAccesses(head)
    exchangeTaskLocals(worker)
    cs_pair_leave(pair)
  }

  @usableFromInline @inline(never)
  func enterSlowly() {
    let me = Performer.current()
    arrive(me)
    cs_exclusivity_exchange(&pointee.accesses)
    exchangeTaskLocals(me.pointee.worker)
    if !cs_is_sanitized { return cs_pair_enter(pair) }
    // The fiber around, if it is suspended inside the coroutine, is suspended on this stack.
    let outside = me.pointee.stack ?? .forThread()
    pointee.resumerStack = outside
    me.pointee.stack = pointee.stack
    cs_switch(&pair.pointee.outside, pair.pointee.inside!, outside.notes, pointee.stack.notes)
  }

  @usableFromInline @inline(never)
  func leaveSlowly() {
    let me = Performer.current()
    depart(me)
    cs_exclusivity_exchange(&pointee.accesses)
    exchangeTaskLocals(me.pointee.worker)
    if !cs_is_sanitized { return cs_pair_leave(pair) }
    let outside = pointee.resumerStack!
    me.pointee.stack = outside
    let inside = pointee.state == .finished ? nil : pointee.stack.notes
    cs_switch(&pair.pointee.inside, pair.pointee.outside!, inside, outside.notes)
  }

  // MARK: Surroundings

  /// Gives the body, which is about to begin, the fiber-locals and task-locals of its first resumer.
  @usableFromInline @inline(never)
  func takeLocals() {
    let me = Performer.current()
    pointee.locals = me.pointee.surroundings.locals
    guard let values = me.inheritedTaskLocals else { return }
    withUnsafeMutablePointer(to: &pointee.taskLocals) { $0.inherit(values) }
  }

  @inlinable @inline(__always)
  func arrive(_ me: FiberRef) {
    pointee.base = me.scope
    if pointee.isSuspendedInScopes { joinScopes(me) }
    pointee.outer = me.pointee.surroundings.coroutine
    me.pointee.surroundings.coroutine = self
    exchangeLocals(me)
  }

  @inlinable @inline(__always)
  func depart(_ me: FiberRef) {
    // As words: comparing optional pointers takes two steps.
    if UInt(bitPattern: me.pointee.surroundings.coroutine) != UInt(bitPattern: self) { refuseToLeave() }
    if me.scope != pointee.base { leaveScopes(me) }
    me.pointee.surroundings.coroutine = pointee.outer
    exchangeLocals(me)
  }

  @inlinable @inline(__always)
  func exchangeLocals(_ me: FiberRef) {
    withUnsafeMutablePointer(to: &me.pointee.surroundings.locals) { theirs in
      withUnsafeMutablePointer(to: &pointee.locals) { Self.exchangeWords(theirs, $0) }
    }
  }

  @inlinable @inline(__always)
  func exchangeAccesses(_ head: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
    withUnsafeMutablePointer(to: &pointee.accesses) { Self.exchangeWords(head, $0) }
  }

  @inlinable @inline(__always)
  func exchangeTaskLocals(_ worker: WorkerRef) {
    let current = UnsafeMutableRawPointer(worker.pointee.pace.taskLocals).load(as: UInt.self)
    let other = withUnsafeMutablePointer(to: &pointee.taskLocals.saved) {
      UnsafeMutableRawPointer($0).load(as: UInt.self)
    }
    if current != other || worker.isInTask { exchangeOtherTaskLocals() }
  }

  /// Always called on a plain thread, which may be in a task; on a scheduler's threads a fiber may run a task's job.
  @usableFromInline @inline(never)
  func exchangeOtherTaskLocals() {
    guard let word = cs_task_locals_word() else { return TaskLocalValues.refuse() }
    if pointee.state == .running || pointee.state == .unwinding {
      pointee.task = cs_task_exchange(nil)
      (word.pointee, pointee.taskLocals.saved) = (pointee.taskLocals.saved, word.pointee)
      guard pointee.task != nil else { return }
      // What no word contains, so that leaving the body comes here again.
      pointee.outsideTask = pointee.taskLocals.saved
      pointee.taskLocals.saved = UnsafeMutableRawPointer(cs_task_unknown())
    } else {
      if cs_is_in_task() { TaskLocalValues.refuseTask() }
      if pointee.task != nil { pointee.taskLocals.saved = pointee.outsideTask }
      (word.pointee, pointee.taskLocals.saved) = (pointee.taskLocals.saved, word.pointee)
      pointee.task = cs_task_exchange(pointee.task)
    }
  }

  /// Lets two references or pointers change places, as words.
  ///
  /// So references are not counted, and one comparison suffices, where optional pointers need two. Both sides nearly
  /// always have the same, and a comparison is cheaper than two stores.
  @inlinable @inline(__always)
  static func exchangeWords(_ one: UnsafeMutableRawPointer, _ other: UnsafeMutableRawPointer) {
    let one = one.assumingMemoryBound(to: UInt.self)
    let other = other.assumingMemoryBound(to: UInt.self)
    let word = one.pointee
    if word == other.pointee { return }
    one.pointee = other.pointee
    other.pointee = word
  }

  /// Says why the running code cannot leave the coroutine.
  @usableFromInline @inline(never)
  func refuseToLeave() -> Never {
    fatalError(
      "yield() of a coroutine from inside another coroutine, another fiber, or a run that was started in its body; only the body itself may yield, on the fiber that resumed it, inside no runFibers and no withNursery that started a scheduler"
    )
  }

  @inlinable
  var isResumable: Bool { pointee.state == .suspended || pointee.state == .fresh }

  /// Says why the coroutine cannot be resumed.
  @usableFromInline @inline(never)
  func refuseToResume() -> Never {
    if pointee.state == .finished {
      fatalError("resume() of a coroutine that has finished; check isFinished, or stop at .returned")
    }
    fatalError("resume() of a coroutine that is running: it cannot resume itself, nor be resumed by two fibers at once")
  }

  /// The error that `yield` throws if the coroutine has been dropped; traps otherwise.
  @usableFromInline @inline(never)
  func refusalToYield() -> any Error {
    if pointee.state != .unwinding {
      fatalError("yield() outside the body of its coroutine; only the function that resume() runs may yield")
    }
    return CancellationError()
  }
}

/// The first frame of every coroutine; nothing that needs releasing may live in it.
private let coroutineEntry: @convention(c) (UnsafeMutableRawPointer) -> Void = { core in
  cs_entered()
  let context = core.assumingMemoryBound(to: CoroutineContext.self)
  context.pointee.callEntry(core)
  context.leave(.finished)
  fatalError("a finished coroutine was resumed")
}
