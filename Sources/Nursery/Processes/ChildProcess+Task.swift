extension ChildProcess {
  /// Waits for the end of the process; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws -> ExitStatus { try await waitOp().perform() }
}
