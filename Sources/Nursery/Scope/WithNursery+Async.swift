import Synchronization

/// Opens a nursery from asynchronous code, in the scheduler that all such nurseries of the process share.
///
///     let pages = try await withNursery { nursery in
///       try addresses.concurrentMap(limit: 8) { try fetch($0) }
///     }
///
/// The calling task is suspended, without blocking its executor, until the body and every child have ended. They have
/// the task's values of task-locals. The body and the children run on the workers of `Scheduler.shared`, with the fibers
/// of other nurseries: a fiber that computes, or blocks its thread, holds up those that have begun there. Pass a
/// configuration for a scheduler of its own. In a test whose trait has a configuration, or watches the test, the
/// nursery always has its own.
///
/// Cancelling the task cancels the nursery, as the cancellation of an enclosing scope does. It may happen at any moment
/// before this call returns. The nursery does not absorb this cancellation. No deadlock is reported.
///
/// - Throws: as the plain form; `CancellationError` if the task is cancelled; `SystemError` when no thread can be
///   started; `StackError` if there is no memory for a stack.
/// - Returns: the body's value.
@discardableResult
nonisolated(nonsending) public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  file: StaticString = #fileID, line: UInt = #line, _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  try await withNursery(
    name, onFailure: policy, limit: limit, placement: placement, nil, file: file, line: line, body)
}

/// Opens a nursery from asynchronous code, in a scheduler of its own: runs `body` as its root fiber, on a separate
/// thread.
///
/// As the overload without a configuration, except that no other nursery's fibers share its workers. To start the
/// scheduler and its thread takes some hundred microseconds.
///
/// - Parameter configuration: of the scheduler; with nil the call is that of the other overload.
/// - Throws: as the other overload; `ConfigurationError`.
/// - Returns: the body's value.
@discardableResult
nonisolated(nonsending) public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  _ configuration: Configuration?, file: StaticString = #fileID, line: UInt = #line,
  _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  let link = TaskLink()
  let work = Transfer(body)
  let run = TestRuns.Run(configuration)
  let priority = Task.currentPriority
  let host: @Sendable () throws -> Result = {
    let result = try withCancelScope { scope in
      link.connect(scope)
      return try withNursery(
        name, onFailure: policy, limit: limit, placement: placement, file: file, line: line
      ) { nursery in
        run.note(nursery)
        return try InheritedPriority.with(priority) { try work.value(nursery) }
      }
    }
    guard let result else { throw CancellationError() }
    return result
  }
  return try await withTaskCancellationHandler {
    if run.mayShare { return try await SharedScheduler.run(SourceSite(file: file, line: line), host) }
    let taskLocals = TaskLocalValues.ofCaller
    return try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Result, any Error>) in
      do {
        try Scheduler.runOnThread(run.configuration, taskLocals, host) {
          run.end()
          continuation.resume(with: $0)
        }
      } catch {
        run.end()
        continuation.resume(throwing: error)
      }
    }
  } onCancel: {
    link.cancel()
  }
}

/// Passes a value to another thread, which alone uses it from then on; the compiler has checked that with `sending`.
private struct Transfer<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }
}

/// Connects a task's cancellation with the scope that encloses the nursery, whichever of the two comes first.
///
/// The scope ignores a cancellation that comes after its end.
private final class TaskLink: Sendable {
  private enum State {
    case waiting
    case connected(CancelScope)
    case cancelled
  }

  private let state = Mutex(State.waiting)

  func connect(_ scope: CancelScope) {
    let isCancelled = state.withLock { state in
      if case .cancelled = state { return true }
      state = .connected(scope)
      return false
    }
    if isCancelled { cancel(scope) }
  }

  func cancel() {
    let scope: CancelScope? = state.withLock { state in
      if case .connected(let scope) = state { return scope }
      state = .cancelled
      return nil
    }
    if let scope { cancel(scope) }
  }

  private func cancel(_ scope: CancelScope) { scope.cancel("the task was cancelled") }
}
