extension Alarm {
  /// Waits until the alarm rings; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  @discardableResult
  nonisolated(nonsending) public func wait() async throws -> WallTime { try await ringOp().perform() }
}

extension Ticker {
  /// Waits for the next tick; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  @discardableResult
  nonisolated(nonsending) public func wait() async throws -> Tick { try await tickOp().perform() }
}
