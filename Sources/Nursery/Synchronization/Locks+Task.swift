extension FiberMutex where State: ~Copyable {
  /// Runs `body` while the task owns the lock; suspends the task until then.
  ///
  ///     try await account.withLock { account in
  ///       account.balance = try await bank.balance(of: account)
  ///     }
  ///
  /// `body` runs in the caller's isolation, and may suspend and go on on another thread. A child task is another
  /// performer. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func withLock<Result: ~Copyable>(
    repairs: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (inout sending State) async throws -> sending Result
  ) async throws -> sending Result {
    try await lock.acquire(repairs: repairs, SourceSite(file: file, line: line))
    do {
      nonisolated(unsafe) let state = state
      let result = try await body(&state.pointee)
      lock.end(repairs: repairs)
      return result
    } catch {
      lock.end(throwing: error)
      throw error
    }
  }
}

extension ReadWriteLock where State: ~Copyable {
  /// Runs `body` while no performer changes the state; suspends the task until then.
  ///
  /// `body` runs in the caller's isolation, and may suspend. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func withReadLock<Result: ~Copyable>(
    file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (borrowing State) async throws -> Result
  ) async throws -> Result {
    let reader = try await lock.readOp(SourceSite(file: file, line: line)).perform()
    defer { lock.endReading(reader) }
    return try await body(state.pointee)
  }

  /// Runs `body` while no other performer reads or changes the state; suspends the task until then.
  ///
  /// `body` runs in the caller's isolation, and may suspend. A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func withWriteLock<Result: ~Copyable>(
    file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (inout State) async throws -> Result
  ) async throws -> Result {
    try await lock.writeOp(SourceSite(file: file, line: line)).perform()
    defer { lock.endWriting() }
    return try await body(&state.pointee)
  }
}

extension FiberSemaphore {
  /// Runs `body` with `count` permits, and gives them back when it ends; suspends the task until there are enough.
  ///
  /// `body` runs in the caller's isolation, and may suspend. A cancellation point; throws and traps as the form for
  /// fibers does.
  nonisolated(nonsending) public func withPermits<Result: ~Copyable>(
    _ count: Int = 1, _ body: nonisolated(nonsending) () async throws -> Result
  ) async throws -> Result {
    let permit = try await acquireOp(count).perform()
    defer { permit.release() }
    return try await body()
  }
}
