extension Event {
  /// Waits until the event is set; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws { try await waitOp().perform() }
}

extension WaitGroup {
  /// Waits until nothing is pending; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws { try await waitOp().perform() }
}

extension Barrier {
  /// Waits until all parties wait; suspends the task meanwhile.
  ///
  /// A cancellation point; a cancellation breaks the barrier.
  ///
  /// - Throws: `BrokenBarrierError` if another wait has been cancelled; `CancellationError` if the task is cancelled.
  nonisolated(nonsending) public func wait() async throws {
    let round: Round
    let visit = Visit()
    do {
      round = try await Op(base: Arrival(barrier: self, visit: visit)).perform()
    } catch {
      breakRound(visit.round)
      throw error
    }
    if !round.end.isSignalled {
      do { try await round.end.wait() } catch { try leave(round, error) }
    }
    if round.isBroken { throw BrokenBarrierError() }
  }
}

extension Promise {
  /// Waits for the value; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func wait() async throws -> Value { try await waitOp().perform() }
}

extension FiberSemaphore {
  /// Takes permits, which the value gives back; suspends the task until there are enough.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func acquire(_ count: Int = 1) async throws -> Permit {
    try await acquireOp(count).perform()
  }
}

extension Watch.Reader {
  /// Waits for a value that has not been seen; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func changes() async throws -> Value { try await changesOp().perform() }
}

extension MVar {
  /// Waits for a value and takes it; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func take() async throws -> Value { try await takeOp().perform() }

  /// Waits for a value and leaves it there; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func read() async throws -> Value { try await readOp().perform() }

  /// Waits until there is no value, and puts one there; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func put(_ value: Value) async throws { try await putOp(value).perform() }
}
