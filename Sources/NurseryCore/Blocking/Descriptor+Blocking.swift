// For descriptors whose calls block: files. Threads of the pool make the calls, and signal the descriptor's gates.
extension Descriptor {
  /// Calls the kernel, which may take its time; for threads of the pool.
  ///
  /// The number does not go back to the kernel meanwhile. If the program has made the descriptor non-blocking itself, a
  /// call that would block is an error.
  package func use(_ call: (Int32) -> Int) -> IOResult {
    let result = useNow(call)
    if case .wouldBlock = result { return .failed(System.wouldBlock) }
    return result
  }

  /// Calls the kernel, which says that it would have to wait instead of waiting.
  package func useNow(_ call: (Int32) -> Int) -> IOResult { record.perform(generation, .none, call) }

  /// Keeps the number, also if it is closed meanwhile, until `endUse`; false if it has been closed already.
  ///
  /// For calls that have been promised and are made later.
  package func beginUse() -> Bool { record.beginUse(generation) }

  /// Ends what `beginUse` has begun.
  package func endUse() { record.endUse() }

  /// The beginning of a call that may block, for those that go on without an operation if they need not wait.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  package static func enter() throws {
    if Performer.enter().isCancelled { throw CancellationError() }
  }
}
