import CSwitch

/// The untyped half of a coroutine: its stack and the two saved stack pointers.
///
///     fresh --resume--> running --yield--> suspended --resume--> running --return or throw--> finished
@usableFromInline
struct CoroutineContext {
  @usableFromInline
  enum State: UInt8 {
    case fresh
    case running
    case suspended
    case finished
  }

  @usableFromInline var state = State.fresh
  fileprivate var saved: UnsafeMutableRawPointer?
  fileprivate var resumerSaved: UnsafeMutableRawPointer?
  /// The lists of open Swift accesses of the side that is off.
  fileprivate var accesses: UnsafeMutableRawPointer?
  fileprivate let pool: StackPool
  fileprivate let stack: StackRef
  /// Who counts the stack, in an explored run.
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
    saved = cs_prepare(stack.top, coroutineEntry, core)
  }

  @usableFromInline
  func giveBackStack() {
    pool.give(stack, count: 1)
    inventory?.noteStackGivenBack()
  }

  fileprivate func callEntry(_ core: UnsafeMutableRawPointer) { entry!(core) }

  /// How many bytes are left below the caller's frame.
  var remainingStackSize: Int {
    cs_frame_address() - (stack.pointee.base + pool.guardSize)
  }
}

extension UnsafeMutablePointer<CoroutineContext> {
  /// From the resumer to the body.
  @usableFromInline
  func enter() {
    pointee.state = .running
    if cs_is_sanitized { return enterSanitized() }
    cs_switch_with_accesses(&pointee.resumerSaved, pointee.saved!, nil, nil, &pointee.accesses)
  }

  /// From the body to the resumer; for the last time if the body has ended.
  @usableFromInline
  func leave(_ state: CoroutineContext.State) {
    pointee.state = state
    if cs_is_sanitized { return leaveSanitized() }
    cs_switch_with_accesses(&pointee.saved, pointee.resumerSaved!, nil, nil, &pointee.accesses)
  }

  /// The fiber around, if it is suspended inside the coroutine, is suspended on this stack.
  @inline(never)
  private func enterSanitized() {
    let me = Performer.current()
    let outside = me.pointee.stack ?? .forThread()
    pointee.resumerStack = outside
    me.pointee.stack = pointee.stack
    cs_switch_with_accesses(
      &pointee.resumerSaved, pointee.saved!, outside.notes, pointee.stack.notes, &pointee.accesses)
  }

  @inline(never)
  private func leaveSanitized() {
    let outside = pointee.resumerStack!
    Performer.current().pointee.stack = outside
    let inside = pointee.state == .finished ? nil : pointee.stack.notes
    cs_switch_with_accesses(&pointee.saved, pointee.resumerSaved!, inside, outside.notes, &pointee.accesses)
  }
}

extension CoroutineContext {
  /// Traps unless the coroutine can be resumed.
  @usableFromInline
  func checkResumable() {
    switch state {
    case .fresh, .suspended: return
    case .running:
      fatalError(
        "resume() of a coroutine that is running: it cannot resume itself, nor be resumed by two fibers at once")
    case .finished:
      fatalError("resume() of a coroutine that has finished; check isFinished, or stop at .returned")
    }
  }

  /// Traps unless the body is running.
  @usableFromInline
  func checkYieldable() {
    if state != .running {
      fatalError("yield() outside the body of its coroutine; only the function that resume() runs may yield")
    }
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
