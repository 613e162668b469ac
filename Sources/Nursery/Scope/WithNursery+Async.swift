import Synchronization

/// Opens a nursery from asynchronous code, with the default configuration, or what a trait of the test says; see the
/// overload that takes a configuration.
///
/// Cancelling the task cancels the nursery, as the cancellation of an enclosing scope does.
///
/// - Throws: as the plain form; `CancellationError` if the task is cancelled; `SystemError` when no thread can be
///   started.
/// - Returns: the body's value.
@discardableResult
public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  file: StaticString = #fileID, line: UInt = #line, _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  try await withNursery(
    name, onFailure: policy, limit: limit, placement: placement, nil, file: file, line: line, body)
}

/// Opens a nursery from asynchronous code: runs `body` as the root fiber of a scheduler on a separate thread.
///
/// The calling task is suspended, without blocking its executor, until the body and every child have ended. They have
/// the task's values of task-locals.
///
/// Cancelling the task cancels the nursery, as the cancellation of an enclosing scope does. It may happen at any moment
/// before this call returns. The nursery does not absorb this cancellation.
///
/// - Throws: as the plain form; `CancellationError` if the task is cancelled; `ConfigurationError`; `SystemError` when
///   no thread can be started.
/// - Returns: the body's value.
@discardableResult
public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, placement: Placement = .here,
  _ configuration: Configuration?, file: StaticString = #fileID, line: UInt = #line,
  _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  let link = TaskLink()
  let work = Transfer(body)
  let taskLocals = TaskLocalValues.ofCaller
  let run = TestRuns.Run(configuration)
  return try await withTaskCancellationHandler {
    try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Result, any Error>) in
      do {
        try Scheduler.runOnThread(run.configuration, taskLocals) {
          let result = try withCancelScope { scope in
            link.connect(scope)
            return try withNursery(
              name, onFailure: policy, limit: limit, placement: placement, file: file, line: line
            ) { nursery in
              run.note(nursery)
              return try work.value(nursery)
            }
          }
          guard let result else { throw CancellationError() }
          return result
        } completion: {
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
