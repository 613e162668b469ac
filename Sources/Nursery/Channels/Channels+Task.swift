extension Requests {
  /// Sends a query, and waits for the reply of a server; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func ask(_ query: Query) async throws -> Reply { try await askOp(query).perform() }

  /// Waits for the next request; nil when it is closed.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func next() async throws -> Request? { try await nextOp().perform() }
}

extension Multicast {
  /// Sends an element to all subscribers; suspends the task while one of them holds it back.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func send(_ element: Element) async throws { try await sendOp(element).perform() }
}

extension Multicast.Subscription {
  /// Waits for the next element; nil when there will be none.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func next() async throws -> Element? { try await nextOp().perform() }
}
