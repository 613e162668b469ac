extension Channel {
  /// The elements as an asynchronous sequence.
  ///
  ///     for await line in lines.elements { count(line) }
  ///
  /// Several tasks may iterate at once, with each other and with fibers, and share the elements. A loop that is left
  /// early leaves the rest in the channel.
  ///
  /// The loop ends when the channel is closed and drained, and also if the task is cancelled; the next call that waits
  /// throws then.
  public var elements: Elements { Elements(channel: self) }

  /// The elements of a channel as they arrive, for `for await`.
  public struct Elements: AsyncSequence, Sendable {
    let channel: Channel<Element>

    /// Begins an iteration.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(channel: channel) }

    /// Takes one element after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
      let channel: Channel<Element>

      /// Waits for the next element; nil when the channel is closed and drained, and if the task is cancelled.
      ///
      /// Suspends the task meanwhile.
      public mutating func next(isolation: isolated (any Actor)? = #isolation) async -> Element? {
        try? await channel.next()
      }

      /// Waits for the next element; see `next(isolation:)`.
      public mutating func next() async -> Element? { await next(isolation: nil) }
    }
  }
}
