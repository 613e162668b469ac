extension Multicast {
  /// One subscriber's share of a multicast: every element that is sent from its beginning to its end.
  ///
  /// It ends by `cancel()`, when the last reference to it is gone, or, after the elements that it holds, when the
  /// multicast is closed. Several fibers may share it: then each element goes to one of them, in no particular order.
  public final class Subscription: Sendable {
    @usableFromInline let multicast: Multicast
    @usableFromInline let reader: Reader

    init(_ multicast: Multicast, _ reader: Reader) {
      self.multicast = multicast
      self.reader = reader
    }

    deinit { multicast.remove(reader) }

    /// Waits for the next element; nil when the subscription has ended.
    ///
    /// A cancellation point.
    ///
    /// - Throws: `LaggedError` in place of elements that this subscriber was too slow for; the next call returns the
    ///   oldest one that is left. `CancellationError` if the current scope is cancelled: then no element has been taken.
    @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
    @inlinable
    public func next() throws -> Element? {
      let me = Performer.enter()
      if me.isCancelled { throw CancellationError() }
      while true {
        let (delivery, changes) = multicast.takeOrAwait(reader)
        if let delivery { return try Self.element(of: delivery) }
        try multicast.arrivals.await(after: changes, by: me)
      }
    }

    /// The operation that takes the next element; its value is nil when the subscription has ended.
    ///
    /// It fails with `LaggedError` where `next()` throws it.
    public func nextOp() -> Op<Element?> { Op(base: Receive(subscription: self)).wrap(Self.element) }

    /// Ends the subscription, drops the elements that it holds, and lets the senders go on that it has held back.
    ///
    /// Never blocks. `next()` returns nil from now on.
    public func cancel() { multicast.remove(reader) }

    @inlinable
    static func element(of delivery: Delivery) throws -> Element? {
      switch delivery {
      case .element(let element): return element
      case .missed(let count): throw LaggedError(missed: count)
      case .ended: return nil
      }
    }

    private struct Receive: OwnOperation {
      let subscription: Subscription

      func poll() -> Delivery? { subscription.multicast.take(subscription.reader) }
      func enlist(_ waiter: Waiter<Delivery>) { subscription.multicast.enlist(waiter, subscription.reader) }
      func withdraw(_ waiter: Waiter<Delivery>) { subscription.multicast.withdraw(waiter) }
      static var kindDescription: String { "the next element of a Multicast<\(Element.self)>" }
      func note(in loads: inout [UInt: ChannelLoad]) { subscription.multicast.note(in: &loads) }
    }
  }
}

/// A subscriber of a `Multicast` was too slow, and has missed elements.
public struct LaggedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many elements it has missed since the last one it got.
  public let missed: Int

  @usableFromInline
  init(missed: Int) { self.missed = missed }

  /// How many, and what to write.
  public var description: String {
    "\(missed) elements of a Multicast came too quickly for this subscriber; take the next one, keep more with .lagging(n), or hold the sender back with .holdingBack(n)"
  }
}
