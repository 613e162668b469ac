// For descriptors whose calls block: files. Threads of the pool make the calls, and tell those who wait at the descriptor's gates.
extension Descriptor {
  /// Calls the kernel, which may take its time; for threads of the pool, and for calls that are known not to wait.
  ///
  /// The number does not go back to the kernel meanwhile.
  package func use(_ call: (Int32) -> Int) -> Attempt {
    guard record.beginUse(generation) else { return .closed }
    defer { record.endUse() }
    let result = call(number)
    if result >= 0 { return .done(result) }
    return result == -Int(System.wouldBlock) ? .tooEarly : .failed(Int32(truncatingIfNeeded: -result))
  }

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
