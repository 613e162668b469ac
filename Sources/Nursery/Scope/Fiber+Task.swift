extension Fiber {
  /// Waits for the end of the fiber and returns its value; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws -> Value { try await waitOp().perform() }

  /// Waits for the end of the fiber and returns how it ended; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func result() async throws -> Result<Value, any Error> {
    try await waitOp().wrap { Result.success($0) }.recover { .failure($0) }.perform()
  }

  /// Cancels the fiber and waits for its end; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func cancelAndWait() async throws { try await cancelAndWaitOp().perform() }
}
