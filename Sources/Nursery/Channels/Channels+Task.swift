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

extension HandoverChannel where Element: ~Copyable {
  /// Waits until a receiver or the buffer takes the element; suspends the task meanwhile.
  ///
  /// A cancellation point; returns what the form for fibers returns.
  nonisolated(nonsending) public func send(_ element: consuming sending Element) async -> Unsent<Element>? {
    let parcel = Parcel(element)
    do { try await parcels.send(parcel) } catch { return Unsent(parcel, error) }
    return nil
  }

  /// Waits until a receiver or the buffer takes the element, for a limited time; suspends the task meanwhile.
  ///
  /// A cancellation point; returns what the form for fibers returns.
  nonisolated(nonsending) public func send(
    _ element: consuming sending Element, orTimeoutAfter duration: Duration, file: StaticString = #fileID,
    line: UInt = #line
  ) async -> Unsent<Element>? {
    let parcel = Parcel(element)
    do {
      try await parcels.sendOp(parcel).orTimeout(after: duration, file: file, line: line).perform()
    } catch {
      return Unsent(parcel, error)
    }
    return nil
  }

  /// Waits for the next element and takes it; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func receive() async throws -> sending Element { try await parcels.receive().take() }

  /// Waits for the next element and takes it; nil when the channel is closed and drained.
  ///
  /// Suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func next() async throws -> sending Element? {
    guard let parcel = try await parcels.next() else { return nil }
    return parcel.take()
  }
}
