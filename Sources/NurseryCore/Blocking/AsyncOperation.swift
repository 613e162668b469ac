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
/// and virtual time stands still, as with `OutsideWakeup`; `exploreSchedules` does not explore it.
///
/// - Parameters:
///   - priority: the task's priority.
///   - executor: where the task runs, unless it is isolated to an actor; nil for the executor of the process.
public func asyncOp<Value: Sendable>(
  whenCancelled: WhenCancelled = .awaits, priority: TaskPriority? = nil, executor: (any TaskExecutor)? = nil,
  _ body: @escaping @Sendable () async throws -> Value
) -> Op<Value> {
  .guarded {
    let call = AsyncCall { ended in
      let task = Task(executorPreference: executor, priority: priority) {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        ended(result)
      }
      return { task.cancel() }
    }
    return Op(base: call).onAbandon { call.giveUp(whenCancelled) }.wrap { try $0.get() }
  }
}

/// Runs an asynchronous function in a task of its own, and returns what it returns; see `asyncOp`.
///
///     let body = try runAsync { try await client.fetch(url) }
///
/// A cancellation point: cancelling the caller's scope cancels the task.
///
/// - Throws: what `body` throws; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "in async code, await the function itself")
@discardableResult
public func runAsync<Value: Sendable>(
  whenCancelled: WhenCancelled = .awaits, priority: TaskPriority? = nil, executor: (any TaskExecutor)? = nil,
  _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
  try asyncOp(whenCancelled: whenCancelled, priority: priority, executor: executor, body).perform()
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
final class AsyncCall<Value: Sendable>: BaseOperation, Sendable {
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

  private let start: Start
  private let state = Protected(State())
  private let hasEnded = Condition()

  init(_ start: @escaping Start) {
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
    let wakeup = OutsideWakeup()
    let cancel = start { [self] result in
      end(result)
      wakeup.end()
    }
    // Only the performer looks at it.
    state.withLock { state in
      if state.result == nil { state.cancel = cancel }
      state.wakeup = wakeup
    }
  }

  func withdraw(_ waiter: Waiter<Result<Value, any Error>>) { state.withLock { $0.waiter = nil } }

  private func end(_ result: Result<Value, any Error>) {
    let (waiter, onLostError) = state.withLock { state in
      state.result = result
      state.cancel = nil
      return (state.waiter, state.onLostError)
    }
    waiter?.commit(result)
    if let onLostError { Self.report(result, to: onLostError) }
    hasEnded.signal()
  }

  /// Another branch has committed, or the performer is cancelled.
  func giveUp(_ whenCancelled: WhenCancelled) {
    let (hasBegun, cancel) = state.withLock { ($0.hasBegun, $0.cancel) }
    guard hasBegun else { return }
    cancel?()
    let mayWait = Performer.current().runsOnScheduler || withUnsafeCurrentTask { $0 == nil }
    // A shield cannot be cancelled, so this cannot throw.
    if whenCancelled == .awaits, mayWait { try! ScopeRef.shielding { try hasEnded.wait() } }
    state.withLock { $0.wakeup }?.end()
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

  var waitDescription: String { "an async function" }
}
