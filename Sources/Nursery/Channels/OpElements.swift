extension Op {
  /// The values of one perform after the other as an asynchronous sequence, until one is nil or throws.
  ///
  ///     for try await event in subscription.nextOp().elements() { show(event) }
  ///
  /// The sequence performs the operation when the loop asks for an element, and suspends the task meanwhile.
  public func elements<Element>() -> OpElements<Element> where Value == Element? { OpElements(op: self) }
}

/// The values of an operation that is performed again and again; see `Op.elements()`.
public struct OpElements<Element>: AsyncSequence {
  let op: Op<Element?>

  /// Begins an iteration.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(op: op) }

  /// Performs the operation for each element.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let op: Op<Element?>

    /// Performs the operation; nil ends the sequence.
    ///
    /// A cancellation point. Suspends the task meanwhile; throws as the operation does.
    public mutating func next(isolation: isolated (any Actor)? = #isolation) async throws -> Element? {
      try await op.perform()
    }

    /// Performs the operation; see `next(isolation:)`.
    public mutating func next() async throws -> Element? { try await next(isolation: nil) }
  }
}
