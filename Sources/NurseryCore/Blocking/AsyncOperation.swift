/// The operation that runs an asynchronous function in a task of its own, and commits when that has returned.
///
///     let reply = try choose(
///       asyncOp { try await client.fetch(url) }.wrap { .reply($0) },
///       timeoutOp(after: .seconds(2)).wrap { .late })
///
/// The fiber is parked meanwhile, and its worker runs others. Each perform runs `body` anew, and only once it has to
/// wait: a choice that has something ready never runs it, and a poll never commits. An error of `body` is thrown as it
/// is.
///
/// If another branch commits or the performer is cancelled, the task is cancelled. With `.awaits` the perform returns
/// when the task has ended, so nothing outlives the scope; with `.abandons` at once. In asynchronous code it always
/// returns at once, because waiting would block the caller's executor. The value is dropped then, and an error is
/// reported as suppressed.
///
/// The task inherits the values of task-locals, but no fiber-locals. While it is waited for, no deadlock is reported
/// and virtual time stands still, as with `OutsideWakeup`.
///
/// Under `exploreSchedules` and in a deterministic scheduler the fiber that performs it runs the task, one piece from
/// suspension to suspension after the other, so that it is explored as a fiber is. A deadlock is reported then if the
/// function waits in an operation and has no child tasks. What the function waits for elsewhere, such as a timer, a
/// descriptor or another task, is outside: it is waited for, and the report is not exhaustive. So is everything if an
/// `executor` is given.
///
/// - Parameters:
///   - priority: the task's priority; nil for that of the task that has opened the nursery the fiber is in.
///   - executor: where the task runs, unless it is isolated to an actor; nil for the executor of the process.
public func asyncOp<Value: Sendable>(
  whenCancelled: WhenCancelled = .awaits, priority: TaskPriority? = nil, executor: (any TaskExecutor)? = nil,
  _ body: @escaping @Sendable () async throws -> Value
) -> Op<Value> {
  .guarded {
    let driver = executor == nil ? Scheduler.current.flatMap(TaskDriver.init) : nil
    let call = AsyncCall(isOutside: driver == nil) { ended in
      let priority = priority ?? InheritedPriority.current
      let task = Task(executorPreference: driver?.task ?? executor, priority: priority) {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        driver?.task.end()
        ended(result)
      }
      return { task.cancel() }
    }
    let op = driver.map { Op.biased([$0.runOp(call), Op(base: call)]) } ?? Op(base: call)
    return op.onAbandon { call.giveUp(whenCancelled, driver) }.wrap { try $0.get() }
  }
}

/// What runs the function's task on the fiber that performs the operation, in a deterministic scheduler.
struct TaskDriver {
  let task: DrivenTask
  private let readiness = Readiness("an async function")

  /// Nil in any other scheduler, and for what a task performs.
  init?(_ scheduler: Scheduler) {
    guard let decisions = scheduler.decisions, decisions.driven == nil else { return nil }
    task = DrivenTask(
      decisions, isHere: { Scheduler.current === scheduler }, wake: { [readiness] in readiness.signal() },
      announce: { if $0 { scheduler.beginOutsideWakeup() } else { scheduler.endOutsideWakeup() } })
  }

  /// The operation that runs the jobs as they come, and commits when the call has ended.
  func runOp<Value>(_ call: AsyncCall<Value>) -> Op<Result<Value, any Error>> {
    readiness.whenReadyOp { [task] in
      // Of what the jobs do nothing is an attempt of this fiber.
      Performer.current().pointee.wait.isAboutToWait = false
      task.run { _ = Performer.enter() }
      return call.poll()
    }
  }
}

/// Runs an asynchronous function in a task of its own, and returns what it returns; see `asyncOp`.
///
///     let body = try runAsync { try await client.fetch(url) }
///
/// As any call, and other than `asyncOp`, it begins on the fiber's thread and stack: the function runs there until it
/// suspends first, and other fibers of the thread wait until then. From then on it runs where tasks run, and only the
/// fiber waits. With `.abandons`, with an `executor`, or on a plain thread it runs there from its beginning.
///
/// A cancellation point: cancelling the caller's scope cancels the task.
///
/// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "in async code, await the function itself")
@discardableResult
@inlinable
public func runAsync<Value: Sendable>(
  whenCancelled: WhenCancelled = .awaits, priority: TaskPriority? = nil, executor: (any TaskExecutor)? = nil,
  _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
  #if os(Linux)
    if whenCancelled == .awaits, executor == nil, CallHere.isPossible { return try CallHere.run(priority, body) }
  #endif
  return try asyncOp(whenCancelled: whenCancelled, priority: priority, executor: executor, body).perform()
}

extension Task {
  /// The operation that commits when the task has ended; its value is the task's.
  ///
  /// It fails with the task's error. A branch that loses does not cancel the task. While it is waited for, virtual time
  /// stands still. Each perform that loses leaves a small task, which waits until this one ends: in a loop, let one
  /// fiber wait, and fulfill a `Promise`.
  public func valueOp() -> Op<Success> {
    // The outcome is a value, so that the error is not reported as suppressed: it is not lost.
    asyncOp(whenCancelled: .abandons) { await result }.wrap { try $0.get() }
  }
}

/// One perform of an operation that is carried out elsewhere: by a task, or on an event loop of others.
///
/// The end of the call commits the performer, or finds that it has been given up; the state says which came first.
final class AsyncCall<Value: Sendable>: OwnOperation, Sendable {
  typealias Ended = @Sendable (Result<Value, any Error>) -> Void
  /// Begins the call, which is to call `ended` once, and returns what cancels it.
  typealias Start = @Sendable (_ ended: @escaping Ended) -> @Sendable () -> Void

  private struct State {
    var hasBegun = false
    /// Nil when the call has ended: it may hold this object.
    var cancel: (@Sendable () -> Void)?
    /// Counts while the end of the call may wake the performer.
    var wakeup: OutsideWakeup?
    var waiter: Waiter<Result<Value, any Error>>?
    var result: Result<Value, any Error>?
    var onLostError: (@Sendable (any Error) -> Void)?
  }

  private let isOutside: Bool
  /// Nil if it has begun on the performer's thread.
  private let start: Start?
  private let state = Protected(State())
  private let hasEnded = Condition()

  /// - Parameter isOutside: whether the scheduler does not know what the task does.
  init(isOutside: Bool = true, _ start: Start?) {
    self.isOutside = isOutside
    self.start = start
  }

  func poll() -> Result<Value, any Error>? { state.withLock { $0.result } }

  func enlist(_ waiter: Waiter<Result<Value, any Error>>) {
    let (isFirst, result) = state.withLock { state in
      state.waiter = waiter
      defer { state.hasBegun = true }
      return (!state.hasBegun, state.result)
    }
    if let result { waiter.commit(result) }
    guard isFirst else { return }
    let wakeup = isOutside ? OutsideWakeup() : nil
    let cancel = start!({ [self] in end($0) })
    // The wakeup counts until the waiter has been committed, by whichever thread.
    if let result = keep(cancel, wakeup) { waiter.commit(result) }
  }

  /// Notes that the call has begun on the performer's thread, unless it has ended: then its result is returned.
  func noteBegun(_ cancel: @escaping @Sendable () -> Void) -> Result<Value, any Error>? {
    state.withLock { $0.hasBegun = true }
    return poll() ?? keep(cancel, OutsideWakeup())
  }

  /// What cancels a call that has not ended; the result of one that has.
  private func keep(_ cancel: @escaping @Sendable () -> Void, _ wakeup: OutsideWakeup?) -> Result<Value, any Error>? {
    state.withLock { state in
      if state.result == nil {
        state.cancel = cancel
        state.wakeup = wakeup
      }
      return state.result
    }
  }

  func withdraw(_ waiter: Waiter<Result<Value, any Error>>) { state.withLock { $0.waiter = nil } }

  func end(_ result: Result<Value, any Error>) {
    let (waiter, wakeup, onLostError) = state.withLock { state in
      state.result = result
      state.cancel = nil
      return (state.waiter, state.wakeup, state.onLostError)
    }
    waiter?.commit(result)
    if let onLostError { Self.report(result, to: onLostError) }
    hasEnded.signal()
    wakeup?.end()
  }

  /// Another branch has committed, or the performer is cancelled.
  func giveUp(_ whenCancelled: WhenCancelled, _ driver: TaskDriver? = nil) {
    let (hasBegun, cancel) = state.withLock { ($0.hasBegun, $0.cancel) }
    guard hasBegun else { return }
    cancel?()
    // A shield cannot be cancelled, so a wait in it cannot throw.
    if let driver {
      if whenCancelled == .abandons {
        driver.task.abandon()
      } else {
        _ = ScopeRef.shielding { try! driver.runOp(self).perform() }
      }
      return reportIfLost()
    }
    let mayWait = Performer.current().runsOnScheduler || withUnsafeCurrentTask { $0 == nil }
    if whenCancelled == .awaits, mayWait { try! ScopeRef.shielding { try hasEnded.wait() } }
    state.withLock { $0.wakeup }?.end()
    reportIfLost()
  }

  /// Has an error reported that no caller is left to catch, now or when the task ends.
  private func reportIfLost() {
    let handler = Scheduler.current?.settings.onSuppressedError ?? Scheduler.reportSuppressed
    let result = state.withLock { state in
      if state.result == nil { state.onLostError = handler }
      return state.result
    }
    if let result { Self.report(result, to: handler) }
  }

  private static func report(_ result: Result<Value, any Error>, to handler: (any Error) -> Void) {
    if case .failure(let error) = result, !(error is CancellationError) { handler(error) }
  }

  static var kindDescription: String { "an async function" }
  var waker: Waker { .call }
}
