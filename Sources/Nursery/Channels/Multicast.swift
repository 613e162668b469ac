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
/// Invariants, whenever `lock` is free: a receiver waits only if its backlog is empty; a sender waits only if a
/// subscriber holds it back. A waiter that has committed elsewhere does not count.
public final class Multicast<Element: Sendable>: @unchecked Sendable {
  private let lock = SpinLock(.queue)
  @exclusivity(unchecked) private var isClosed = false
  @exclusivity(unchecked) private var backlogs: [Backlog] = []
  @exclusivity(unchecked) private var senders: [(waiter: Waiter<Bool>, element: Element)] = []

  /// Creates a multicast without subscribers.
  public init() {}

  /// A subscription that begins with the next element that is sent.
  ///
  /// If the multicast is closed, it has ended. Traps if the limit is not positive.
  public func subscribe(_ slowness: Slowness) -> Subscription {
    let backlog = Backlog(slowness)
    locked { _ in
      if isClosed { backlog.end() } else { backlogs.append(backlog) }
    }
    return Subscription(self, backlog)
  }

  /// How many subscriptions there are.
  public var subscriberCount: Int { locked { _ in backlogs.count } }

  /// How many senders wait now.
  public var waitingCount: Int { locked { _ in senders.count } }

  /// Ends all subscriptions after the elements they hold.
  ///
  /// Pending and later sends throw `ChannelClosedError`.
  ///
  /// Never blocks; closing again does nothing.
  public func close() {
    locked { _ in
      isClosed = true
      for sender in senders { sender.waiter.commit(false) }
      for backlog in backlogs { backlog.end() }
      senders.removeAll()
      backlogs.removeAll()
    }
  }

  // MARK: Sending

  /// Waits until no subscriber holds it back, and gives the element to all of them.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `ChannelClosedError` when the multicast is or gets closed; `CancellationError` if the current scope is
  ///   cancelled. In both cases no subscriber has got the element.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func send(_ element: Element) throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    let send = Send(multicast: self, element: element)
    guard try send.poll() ?? Op(base: send).perform() else { throw ChannelClosedError() }
  }

  /// The operation that gives the element to all subscribers.
  ///
  /// It fails with `ChannelClosedError` when the multicast is closed. It can be performed again, and sends the element
  /// again.
  public func sendOp(_ element: Element) -> Op<Void> {
    Op(base: Send(multicast: self, element: element)).wrap { if !$0 { throw ChannelClosedError() } }
  }

  private var isHeldBack: Bool { backlogs.contains { $0.isFull } }

  private func deliver(_ element: Element, _ dropped: inout [Element]) {
    for backlog in backlogs {
      if let oldest = backlog.deliver(element) { dropped.append(oldest) }
    }
  }

  /// Serves waiting senders as long as no subscriber holds them back.
  private func settle(_ dropped: inout [Element]) {
    while !senders.isEmpty, !isHeldBack {
      let next = senders.removeFirst()
      if next.waiter.commit(true) { deliver(next.element, &dropped) }
    }
  }

  // MARK: For subscriptions

  /// Uses a backlog, and serves the senders that it has held back.
  func with<Result>(_ backlog: Backlog, _ body: (Backlog) -> Result) -> Result {
    locked { dropped in
      let result = body(backlog)
      settle(&dropped)
      return result
    }
  }

  func remove(_ backlog: Backlog) {
    locked { dropped in
      backlogs.removeAll { $0 === backlog }
      dropped = backlog.clear()
      backlog.end()
      settle(&dropped)
    }
  }

  /// Dropped elements end after the unlocking: their end may be user code.
  private func locked<Result>(_ body: (_ dropped: inout [Element]) -> Result) -> Result {
    var dropped: [Element] = []
    lock.lock()
    let result = body(&dropped)
    lock.unlock()
    withExtendedLifetime(dropped) {}
    return result
  }

  private struct Send: OwnOperation {
    let multicast: Multicast
    let element: Element

    func poll() -> Bool? {
      multicast.locked { dropped in
        if multicast.isClosed { return false }
        guard multicast.senders.isEmpty, !multicast.isHeldBack else { return nil }
        multicast.deliver(element, &dropped)
        return true
      }
    }

    func enlist(_ waiter: Waiter<Bool>) {
      multicast.locked { dropped -> Void in
        if multicast.isClosed {
          waiter.commit(false)
        } else {
          multicast.senders.append((waiter, element))
          multicast.settle(&dropped)
        }
      }
    }

    func withdraw(_ waiter: Waiter<Bool>) {
      multicast.locked { dropped in
        multicast.senders.removeAll { $0.waiter == waiter }
        multicast.settle(&dropped)
      }
    }

    var waitDescription: String { "to send to a Multicast<\(Element.self)>, held back by a subscriber" }
  }
}
