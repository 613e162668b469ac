/// A channel with many receivers, each of which sees every element that is sent while it is subscribed.
///
///     let prices = Multicast<Price>()
///     let subscription = prices.subscribe(.lagging(100))
///     nursery.goAsync { while let price = try subscription.next() { show(price) } }
///     try prices.send(price)
///
/// Each subscriber chooses what happens when it is slow: it misses elements and learns how many, or it holds the sender
/// back. A send is all or nothing: either every subscriber gets the element, or the sender still has it. Without
/// subscribers the element is dropped. Waiting senders are served in the order they came.
///
/// An element is kept once for all subscribers, as in Tokio's `broadcast`, until the last of them has taken it or as
/// many have come after it as the most patient subscriber keeps. So a send takes constant time for any number of lagging
/// subscribers, besides waking those that wait.
///
/// Invariants, whenever `lock` is free: a receiver waits only if there is no element for its subscription; a sender
/// waits only if a subscriber holds it back. A waiter that has committed elsewhere does not count.
public final class Multicast<Element: Sendable>: @unchecked Sendable {
  @usableFromInline let lock = SpinLock(.queue)
  @exclusivity(unchecked) @usableFromInline var isClosed = false

  /// The elements that a reader has not passed yet; the last one has the number `end` - 1.
  @usableFromInline let history = Ring<Kept>()
  @exclusivity(unchecked) @usableFromInline var end = 0

  @exclusivity(unchecked) @usableFromInline var readers: [Reader] = []
  /// Those of the readers that may hold a sender back.
  @exclusivity(unchecked) @usableFromInline var brakes: [Reader] = []
  /// How many elements the history may hold: the largest limit of the readers.
  @exclusivity(unchecked) @usableFromInline var capacity = 0

  @exclusivity(unchecked) @usableFromInline var senders: [(waiter: Waiter<Bool>, element: Element)] = []
  /// The receivers in choices.
  @exclusivity(unchecked) @usableFromInline var receivers: [(waiter: Waiter<Delivery>, reader: Reader)] = []

  /// Where the other receivers wait, for a larger number of `changes` than they have seen.
  @usableFromInline let arrivals = EventCount("the next element of a Multicast") {
    "the next element of a Multicast<\(Element.self)>"
  }
  @exclusivity(unchecked) @usableFromInline var changes = 0
  /// Whether a receiver has begun to wait there since the last announcement.
  @exclusivity(unchecked) @usableFromInline var isAwaited = false

  /// Creates a multicast without subscribers.
  public init() {}

  /// A subscription that begins with the next element that is sent.
  ///
  /// If the multicast is closed, it has ended. Traps if the limit is not positive.
  public func subscribe(_ slowness: Slowness) -> Subscription {
    let reader = Reader(slowness)
    locked { _ in
      reader.position = end
      guard !isClosed else { return reader.isEnded = true }
      readers.append(reader)
      if reader.holdsBack { brakes.append(reader) }
      capacity = max(capacity, reader.limit)
    }
    return Subscription(self, reader)
  }

  /// How many subscriptions there are.
  public var subscriberCount: Int { locked { _ in readers.count } }

  /// How many senders wait now.
  public var waitingCount: Int { locked { _ in senders.count } }

  /// Ends all subscriptions after the elements they hold.
  ///
  /// Pending and later sends throw `ChannelClosedError`.
  ///
  /// Never blocks; closing again does nothing.
  public func close() {
    locked { dropped in
      isClosed = true
      changes += 1
      for sender in senders { sender.waiter.commit(false) }
      for reader in readers { reader.isEnded = true }
      serveReceivers(&dropped)
      dropped.append(contentsOf: senders.map(\.element))
      senders.removeAll()
      readers.removeAll()
      brakes.removeAll()
    }
  }

  // MARK: The lock

  /// After the unlocking, receivers are woken, and dropped elements end: their end may be user code.
  @inlinable
  @inline(__always)
  func locked<Result>(_ body: (_ dropped: inout [Element]) -> Result) -> Result {
    var dropped: [Element] = []
    lock.lock()
    let before = changes
    let result = body(&dropped)
    var news: Int?
    if isAwaited, changes != before {
      isAwaited = false
      news = changes
    }
    lock.unlock()
    if let news { arrivals.advance(to: news) }
    withExtendedLifetime(dropped) {}
    return result
  }
}
