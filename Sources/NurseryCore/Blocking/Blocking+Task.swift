/// Runs `body` on a thread of the blocking pool and returns what it returns; suspends the task meanwhile.
///
///     let rows = try await blocking(onCancel: { database.interrupt() }) { try database.query("select ...") }
///
/// A cancellation point until `body` begins: if the task is cancelled earlier, `body` never runs. Once it has begun,
/// the call waits for it, and returns its value or throws its error. `whenCancelled` and `onCancel` are as in the form
/// for fibers; `onCancel` runs in the caller's isolation.
///
/// - Throws: what the body throws; `CancellationError` if the task was cancelled before the body began; `SystemError` if
///   no thread is available.
@discardableResult
nonisolated(nonsending) public func blocking<Value>(
  whenCancelled: WhenCancelled = .awaits, onCancel: (() throws -> Void)? = nil,
  _ body: sending @escaping () throws -> Value
) async throws -> Value {
  let call = BlockingCall(BlockingPool.shared, .atEnd, whenCancelled, onCancel: onCancel, body)
  do {
    try await Op<Void>(call).perform()
  } catch {
    // The body has not begun, or is abandoned: this does not wait.
    call.giveUp()
    throw error
  }
  return try await call.valueInTask()
}
