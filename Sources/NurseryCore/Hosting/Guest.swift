import CSwitch
import Synchronization

/// Keeps a run's first worker on a thread whose event loop belongs to others: the guest mode of Trio (Smith 2020).
///
/// The run has a stack of its own. Where its worker would put the thread to sleep, it leaves to the loop instead, and a
/// helper thread sleeps in its place, in the worker's own sleep word or reactor:
///
///     due --- turn, on the loop's thread ---> running --- nothing to run ---> sleeping --- the helper has slept ---> due
///      ^                                       |  |
///      +--- the turn has lasted long enough ---+  +--- the run has ended ---> ended
///
/// Only the thread that has made it `running` touches the run; that state is left when the run has left the thread's
/// stack. For each `due` a turn is posted, unless `finish` waits for it. A turn that finds another state does nothing:
/// `finish` came before it.
package final class Guest: @unchecked Sendable {
  package typealias Turn = @Sendable () -> Void

  private let state = Atomic<State>(.due)
  private let post: @Sendable (@escaping Turn) throws -> Void
  private let mayChangeThread: Bool
  private let whenLoopEnds: (any Error) -> Void
  private let run: UnsafeMutablePointer<Run>
  private let helper = GuestHelper()
  private let isFinishing = Atomic<Bool>(false)

  private enum State: UInt8, AtomicRepresentable {
    case due
    case running
    case sleeping
    case ended
  }

  /// Why the run has left the thread's stack.
  private enum Departure {
    case sleeps(GuestHelper.Sleep)
    case givesWay
    case hasEnded
  }

  /// The run's stack, and what is the thread's while it is on it.
  private struct Run {
    var body: (() -> Void)?
    var whenEnded: (() -> Void)?
    let pool: StackPool
    let stack: StackRef
    var inside: UnsafeMutableRawPointer?
    var outside: UnsafeMutableRawPointer?
    /// For the sanitizers: the stacks that are left and continued; the worker's loop has its own.
    var insideNotes: UnsafeMutablePointer<cs_stack_notes>?
    var outsideNotes: UnsafeMutablePointer<cs_stack_notes>?
    var worker: WorkerRef?
    var accesses: UnsafeMutableRawPointer?
    /// What the thread's word for values of task-locals held, or will hold, on the run's stack.
    var taskLocals: UnsafeMutableRawPointer?
    /// The values of the code that made the run.
    let inherited: TaskLocalValues?
    var departure = Departure.givesWay
    /// How many events the sleep has found.
    var found = 0
    /// The loop's thread, by the number of its own record: 0 before the first turn.
    var thread: UInt64 = 0
    var turnEnd: Int64 = 0
    /// There is no loop any more: the worker sleeps by itself.
    var isAlone = false
  }

  /// How long a turn runs before it gives way to the loop, in nanoseconds.
  private static let turnLength: Int64 = 1_000_000

  /// Prepares a run; its first turn begins it.
  ///
  /// - Parameters:
  ///   - post: has the loop call a turn, once; throws if there is no loop any more.
  ///   - whenLoopEnds: cancels the run; called on the thread that then goes on with it.
  ///   - body: calls `Scheduler.run` with a configuration that has this guest.
  ///   - whenEnded: called afterwards, on the stack of the turn.
  package init(
    stackSize: Int, mayChangeThread: Bool, post: @escaping @Sendable (@escaping Turn) throws -> Void,
    whenLoopEnds: @escaping (any Error) -> Void, body: @escaping () -> Void, whenEnded: @escaping () -> Void
  ) throws {
    let pool = try StackPool.shared(stackSize: stackSize)
    let stack = try pool.take()
    self.post = post
    self.mayChangeThread = mayChangeThread
    self.whenLoopEnds = whenLoopEnds
    run = .new(Run(body: body, whenEnded: whenEnded, pool: pool, stack: stack, inherited: .ofCaller))
    run.pointee.insideNotes = stack.notes
    run.pointee.inside = cs_prepare(stack.top, guestEntry, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit {
    run.deinitialize(count: 1)
    run.deallocate()
  }

  // MARK: On the loop's thread

  /// Posts the first turn.
  package func begin() throws {
    do { try post { self.turn() } } catch {
      if claim() { discard() }
      throw error
    }
  }

  /// Runs fibers until there is nothing to run, or for a while.
  private func turn() {
    guard claim() else { return }
    checkThread()
    goOn()
  }

  /// Goes on without the loop: cancels the run, and returns when that has ended.
  ///
  /// Does nothing if the run has ended.
  package func finish(_ error: any Error) {
    // Before it is woken: the helper then leaves the run to this thread.
    isFinishing.store(true, ordering: .sequentiallyConsistent)
    while !claim() {
      switch state.load(ordering: .acquiring) {
      case .ended: return
      case .sleeping: helper.wakeSleeper()
      // By the helper's thread, perhaps, which the loop has refused a turn.
      case .running where isRunningHere:
        fatalError(
          "finish() of a GuestRun in one of its fibers; only the loop's own code may call it; in a fiber write cancel()"
        )
      case .running, .due: break
      }
      cs_thread_yield()
    }
    goOnAlone(error)
  }

  private var isRunningHere: Bool { Scheduler.current?.settings.guest === self }

  private func goOnAlone(_ error: any Error) {
    run.pointee.isAlone = true
    whenLoopEnds(error)
    goOn()
  }

  /// Makes the caller the one that runs it, if a turn is due.
  private func claim() -> Bool {
    state.compareExchange(expected: .due, desired: .running, ordering: .acquiringAndReleasing).exchanged
  }

  /// Fibers that have begun stay on their thread.
  private func checkThread() {
    let thread = Worker.ofThisThread.pointee.loop.pointee.identity.id
    if run.pointee.thread != 0, run.pointee.thread != thread, !mayChangeThread {
      fatalError(
        "two turns of a GuestRun came on different threads, and a fiber that has begun stays on its thread; post to a loop that has one thread, or pass Configuration(migration: .whenWaiting), whose fibers may use no Mutex and no thread-local"
      )
    }
    run.pointee.thread = thread
  }

  private func goOn() {
    enter()
    switch run.pointee.departure {
    case .sleeps(let sleep):
      state.store(.sleeping, ordering: .releasing)
      helper.order(sleep, for: self)
    case .givesWay: callBack()
    case .hasEnded: discard()
    }
  }

  /// Called by the helper's thread when it has slept.
  func noteSlept(found: Int) {
    run.pointee.found = found
    callBack()
  }

  /// Asks for a turn; if the loop refuses, the run goes on here without it.
  private func callBack() {
    state.store(.due, ordering: .releasing)
    if isFinishing.load(ordering: .sequentiallyConsistent) { return }
    do { try post { self.turn() } } catch { if claim() { goOnAlone(error) } }
  }

  private func discard() {
    helper.end()
    // They hold the configuration, which holds this object.
    run.pointee.body = nil
    let whenEnded = run.pointee.whenEnded.take()!
    run.pointee.pool.give(run.pointee.stack, count: 1)
    state.store(.ended, ordering: .releasing)
    whenEnded()
  }

  // MARK: The switch

  /// Continues the run's stack until that leaves.
  private func enter() {
    let thread = Worker.ofThisThread
    let header = cs_is_sanitized ? StackRef.forThread() : nil
    run.pointee.outsideNotes = header?.notes
    if let worker = run.pointee.worker { PlainThread.adopt(worker) } else { _ = PlainThread.register() }
    cs_exclusivity_exchange(&run.pointee.accesses)
    // The loop may call a turn in a task, whose values are not the fibers'.
    let isKnown = cs_task_locals_word() != nil
    let task = isKnown ? cs_task_exchange(nil) : nil
    exchangeTaskLocals()
    run.pointee.turnEnd = System.monotonicNow() + Self.turnLength
    cs_switch(&run.pointee.outside, run.pointee.inside!, header?.notes, run.pointee.insideNotes)
    exchangeTaskLocals()
    if isKnown { _ = cs_task_exchange(task) }
    cs_exclusivity_exchange(&run.pointee.accesses)
    run.pointee.worker = Worker.ofThisThreadIfAny
    PlainThread.adopt(thread)
    header?.disposeOfThread()
  }

  private func exchangeTaskLocals() {
    guard let word = cs_task_locals_word() else { return TaskLocalValues.refuse() }
    (word.pointee, run.pointee.taskLocals) = (run.pointee.taskLocals, word.pointee)
  }

  private func leave(_ departure: Departure) {
    run.pointee.departure = departure
    run.pointee.insideNotes = Worker.ofThisThread.pointee.current.notes
    cs_switch(&run.pointee.inside, run.pointee.outside!, run.pointee.insideNotes, run.pointee.outsideNotes)
  }

  /// All that happens on the run's stack.
  fileprivate func callBody() {
    let worker = Worker.ofThisThread
    worker.pointee.current.pointee.stack = run.pointee.stack
    worker.pointee.current.withTaskLocals(run.pointee.inherited, run.pointee.body!)
    worker.pointee.current.pointee.stack = nil
    PlainThread.unregister(worker)
    cs_set_thread_pointer(nil)
    run.pointee.departure = .hasEnded
  }

  fileprivate func leaveForEver() -> Never {
    cs_switch(&run.pointee.inside, run.pointee.outside!, nil, run.pointee.outsideNotes)
    fatalError("an ended guest was run again")
  }

  // MARK: On the run's stack

  /// Sleeps in the worker's place.
  ///
  /// - Returns: the number of events found.
  func sleep(_ sleep: GuestHelper.Sleep) -> Int {
    if run.pointee.isAlone { return sleep.perform() }
    leave(.sleeps(sleep))
    return run.pointee.found
  }

  /// Whether the loop has waited for long enough.
  var owesTurn: Bool { !run.pointee.isAlone && System.monotonicNow() >= run.pointee.turnEnd }

  func giveWay() { leave(.givesWay) }
}

/// Nothing that needs releasing may live in this frame: it is left for ever.
private let guestEntry: @convention(c) (UnsafeMutableRawPointer) -> Void = { argument in
  cs_entered()
  let guest = Unmanaged<Guest>.fromOpaque(argument)
  guest._withUnsafeGuaranteedRef { $0.callBody() }
  guest._withUnsafeGuaranteedRef { $0.leaveForEver() }
}
