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
  /// Restores the body's part of the fiber's state: open accesses, fiber-locals and open scopes.
  @inlinable @inline(__always)
  func enter(_ state: CoroutineContext.State) {
    let isFresh = pointee.state == .fresh
    pointee.state = state
    guard !cs_is_sanitized, let worker = Worker.ofThisThreadIfAny, worker.pointee.accessHead != nil else {
      return enterSlowly(isFresh)
    }
    let me = worker.pointee.current
    arrive(me, isFresh)
    exchangeAccesses(worker.pointee.accessHead.unsafelyUnwrapped)
    cs_pair_enter(pair)
  }

  /// From the body to the resumer; for the last time if the body has ended.
  @inlinable @inline(__always)
  func leave(_ state: CoroutineContext.State) {
    pointee.state = state
    guard !cs_is_sanitized, let worker = Worker.ofThisThreadIfAny, worker.pointee.accessHead != nil else {
      return leaveSlowly()
    }
    let me = worker.pointee.current
    depart(me)
    exchangeAccesses(worker.pointee.accessHead.unsafelyUnwrapped)
    cs_pair_leave(pair)
  }

  @usableFromInline @inline(never)
  func enterSlowly(_ isFresh: Bool) {
    let me = Performer.current()
    arrive(me, isFresh)
    cs_exclusivity_exchange(&pointee.accesses)
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
    if !cs_is_sanitized { return cs_pair_leave(pair) }
    let outside = pointee.resumerStack!
    me.pointee.stack = outside
    let inside = pointee.state == .finished ? nil : pointee.stack.notes
    cs_switch(&pair.pointee.inside, pair.pointee.outside!, inside, outside.notes)
  }

  // MARK: Surroundings

  @inlinable @inline(__always)
  func arrive(_ me: FiberRef, _ isFresh: Bool) {
    if isFresh { pointee.locals = me.pointee.locals }
    pointee.base = me.scope
    if pointee.isSuspendedInScopes { joinScopes(me) }
    pointee.outer = me.pointee.coroutine
    me.pointee.coroutine = self
    exchangeLocals(me)
  }

  @inlinable @inline(__always)
  func depart(_ me: FiberRef) {
    if me.pointee.coroutine != self { refuseToLeave() }
    if me.scope != pointee.base { leaveScopes(me) }
    me.pointee.coroutine = pointee.outer
    exchangeLocals(me)
  }

  /// As words: references are neither counted nor, when both sides have the same, written.
  @inlinable @inline(__always)
  func exchangeLocals(_ me: FiberRef) {
    withUnsafeMutablePointer(to: &me.pointee.locals) { theirs in
      withUnsafeMutablePointer(to: &pointee.locals) { ours in
        let theirs = UnsafeMutableRawPointer(theirs).assumingMemoryBound(to: UInt.self)
        let ours = UnsafeMutableRawPointer(ours).assumingMemoryBound(to: UInt.self)
        let word = theirs.pointee
        if word == ours.pointee { return }
        theirs.pointee = ours.pointee
        ours.pointee = word
      }
    }
  }

  @inlinable @inline(__always)
  func exchangeAccesses(_ head: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
    let accesses = head.pointee
    if accesses == pointee.accesses { return }
    head.pointee = pointee.accesses
    pointee.accesses = accesses
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
