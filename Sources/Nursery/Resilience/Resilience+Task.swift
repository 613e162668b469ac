extension RateLimiter {
  /// Waits until the limits admit a call of this weight; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func acquire(_ weight: Int = 1) async throws { try await acquireOp(weight).perform() }
}

extension Batcher {
  /// Makes a call in the next batch, and waits for its response; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func call(_ request: Request) async throws -> Response {
    try await callOp(request).perform()
  }
}

extension SingleFlight {
  /// The value for the key, from the load that runs already or from a new one; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func value(for key: Key) async throws -> Value {
    try await valueOp(for: key).perform()
  }
}

extension ResourcePool {
  /// Runs `body` with a resource of the pool; suspends the task while there is none.
  ///
  /// - Parameter isReusable: whether the resource may be lent again after an error of `body`.
  ///
  /// A cancellation point; throws as the form for fibers does.
  @discardableResult
  nonisolated(nonsending) public func withResource<Value>(
    isReusable: (any Error) -> Bool = { _ in true }, _ body: nonisolated(nonsending) (Resource) async throws -> Value
  ) async throws -> Value {
    let lease = try await leaseOp().perform()
    do {
      let value = try await body(lease.resource)
      lease.end()
      return value
    } catch {
      lease.end(isReusable: isReusable(error))
      throw error
    }
  }
}
