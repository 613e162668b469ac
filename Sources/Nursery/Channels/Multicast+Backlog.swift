extension Multicast {
  /// What happens when a subscriber is slow.
  public enum Slowness: Sendable, Hashable {
    /// It keeps the newest elements, at most this many; `next()` throws a `LaggedError` in place of those it has
    /// missed.
    case lagging(Int)
    /// It keeps at most this many elements, and a send waits for it while it is full.
    case holdingBack(Int)
  }

  /// What a receiver gets.
  enum Delivery {
    case element(Element)
    case missed(Int)
    case ended
  }

  /// The elements that one subscriber has not taken yet, and its receivers; used under the lock of the multicast.
  final class Backlog: @unchecked Sendable {
    private let limit: Int
    private let holdsBack: Bool
    @exclusivity(unchecked) private var elements = Ring<Element>()
    @exclusivity(unchecked) private var missed = 0
    @exclusivity(unchecked) private var receivers: [Waiter<Delivery>] = []
    @exclusivity(unchecked) private var isEnded = false

    init(_ slowness: Slowness) {
      switch slowness {
      case .lagging(let limit): (self.limit, holdsBack) = (limit, false)
      case .holdingBack(let limit): (self.limit, holdsBack) = (limit, true)
      }
      require(limit > 0, "a subscriber that keeps \(limit) elements would see none; write a limit of at least 1")
    }

    /// Whether a send has to wait for this subscriber.
    var isFull: Bool { holdsBack && elements.count >= limit }

    var waitingCount: Int { receivers.count }

    /// Gives the element to a receiver or keeps it; returns the one that it drops for it.
    func deliver(_ element: Element) -> Element? {
      while !receivers.isEmpty {
        if receivers.removeFirst().commit(.element(element)) { return nil }
      }
      var dropped: Element?
      if elements.count >= limit {
        dropped = elements.popFirst()
        missed += 1
      }
      elements.append(element)
      return dropped
    }

    /// What a receiver gets now.
    func take() -> Delivery? {
      if missed > 0 {
        let count = missed
        missed = 0
        return .missed(count)
      }
      if let element = elements.popFirst() { return .element(element) }
      return isEnded ? .ended : nil
    }

    /// Commits the receiver with what there is, which is taken only then, or lets it wait.
    func enlist(_ waiter: Waiter<Delivery>) {
      if missed > 0 {
        if waiter.commit(.missed(missed)) { missed = 0 }
      } else if let element = elements.first {
        if waiter.commit(.element(element)) { _ = elements.popFirst() }
      } else if isEnded {
        waiter.commit(.ended)
      } else {
        receivers.append(waiter)
      }
    }

    func withdraw(_ waiter: Waiter<Delivery>) { receivers.removeAll { $0 == waiter } }

    /// No element comes after those that are kept.
    func end() {
      isEnded = true
      for receiver in receivers { receiver.commit(.ended) }
      receivers.removeAll()
    }

    /// Drops what is kept.
    func clear() -> [Element] {
      missed = 0
      var dropped: [Element] = []
      while let element = elements.popFirst() { dropped.append(element) }
      return dropped
    }
  }
}
