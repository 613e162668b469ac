import Synchronization

/// Opens a nursery from asynchronous code, with the default configuration; see the one that takes a configuration.
///
/// Cancelling the task cancels the nursery.
///
/// - Throws: what the body throws, or the children's failures as `policy` says; `SystemError` when no thread can be started.
/// - Returns: the body's value.
@discardableResult
public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil, file: StaticString = #fileID,
  line: UInt = #line, _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  try await withNursery(name, onFailure: policy, limit: limit, Configuration(), file: file, line: line, body)
}

/// Opens a nursery from asynchronous code: runs `body` as the root fiber of a scheduler on a thread of its own, and suspends the
/// calling task, without blocking its executor, until the body and every child have ended.
///
/// Cancelling the task cancels the nursery.
///
/// - Throws: what the body throws, or the children's failures as `policy` says; `ConfigurationError`; `SystemError` when no
///   thread can be started.
/// - Returns: the body's value.
@discardableResult
public func withNursery<Result: Sendable>(
  _ name: String = "", onFailure policy: FailurePolicy = .failFast, limit: Int? = nil,
  _ configuration: Configuration, file: StaticString = #fileID, line: UInt = #line,
  _ body: sending @escaping (Nursery) throws -> Result
) async throws -> Result {
  let link = TaskLink()
  let work = Transfer(body)
  return try await withTaskCancellationHandler {
    try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Result, any Error>) in
      do {
        try Scheduler.runOnThread(configuration) {
          try withNursery(name, onFailure: policy, limit: limit, file: file, line: line) { nursery in
            link.connect(nursery)
            defer { link.disconnect() }
            return try work.value(nursery)
          }
        } completion: {
          continuation.resume(with: $0)
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  } onCancel: {
    link.cancel()
  }
}

/// Carries a value to another thread, which alone uses it from then on; the compiler has checked that with `sending`.
private struct Transfer<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }
}

/// Lets a task's cancellation find the nursery, whichever comes first.
private final class TaskLink: Sendable {
  private enum State {
    case waiting
    case connected(Nursery)
    case cancelled
    case done
  }

  private let state = Mutex(State.waiting)

  func connect(_ nursery: Nursery) {
    let isCancelled = state.withLock { state in
      if case .cancelled = state { return true }
      state = .connected(nursery)
      return false
    }
    if isCancelled { nursery.cancel("the task was cancelled") }
  }

  func disconnect() { state.withLock { $0 = .done } }

  func cancel() {
    let nursery: Nursery? = state.withLock { state in
      switch state {
      case .connected(let nursery): return nursery
      case .waiting:
        state = .cancelled
        return nil
      case .cancelled, .done: return nil
      }
    }
    nursery?.cancel("the task was cancelled")
  }
}
