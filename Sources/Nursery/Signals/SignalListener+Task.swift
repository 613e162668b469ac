extension SignalListener {
  /// Waits for the next signal; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws -> Signal { try await waitOp().perform() }
}
