// The verbs of conditions and of time, from asynchronous code; see `Op.perform() async`.

extension Condition {
  /// Waits until the condition is true; suspends the task meanwhile.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  nonisolated(nonsending) public func wait() async throws { try await waitOp().perform() }
}

extension Nack {
  /// Waits until the branch is abandoned; waits for ever if it commits.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point.
  nonisolated(nonsending) public func wait() async throws { try await waitOp().perform() }
}

/// Suspends the current task for a while, in real time.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the task is cancelled.
nonisolated(nonsending) public func sleep(for duration: Duration) async throws {
  try await sleepOp(for: duration).perform()
}

/// Suspends the current task until an instant of the system's monotonic clock.
///
/// A cancellation point.
///
/// - Throws: `CancellationError` if the task is cancelled.
nonisolated(nonsending) public func sleep(until deadline: FiberClock.Instant) async throws {
  try await sleepOp(until: deadline).perform()
}
