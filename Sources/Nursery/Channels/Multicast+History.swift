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
  @usableFromInline
  enum Delivery: Sendable {
    case element(Element)
    case missed(Int)
    case ended
  }

  /// An element, and how many readers have not passed it.
  ///
  /// Readers pass the elements in order, so the elements that no reader needs are the first ones of the history.
  @usableFromInline
  struct Kept {
    @usableFromInline let element: Element
    @usableFromInline var unread: Int

    @inlinable
    init(element: Element, unread: Int) {
      self.element = element
      self.unread = unread
    }
  }

  /// Where one subscription stands in the history; used under the lock of the multicast.
  @usableFromInline
  final class Reader: @unchecked Sendable {
    @usableFromInline let limit: Int
    @usableFromInline let holdsBack: Bool
    /// The number of the element that it takes next, however long it has been dropped; `.max` when it has left.
    @exclusivity(unchecked) @usableFromInline var position = 0
    /// Whether nothing comes after what there is.
    @exclusivity(unchecked) @usableFromInline var isEnded = false

    init(_ slowness: Slowness) {
      switch slowness {
      case .lagging(let limit): (self.limit, holdsBack) = (limit, false)
      case .holdingBack(let limit): (self.limit, holdsBack) = (limit, true)
      }
      require(limit > 0, "a subscriber that keeps \(limit) elements would see none; write a limit of at least 1")
    }
  }

  /// The number of the first element of the history.
  @inlinable var start: Int { end &- history.count }

  // MARK: Adding

  /// Adds an element for all readers; none of them holds it back.
  @inlinable
  func add(_ element: Element, _ dropped: inout [Element]) {
    changes &+= 1
    end &+= 1
    if readers.isEmpty { return }
    history.append(Kept(element: element, unread: readers.count))
    if history.count > capacity { trim(&dropped) }
    if !receivers.isEmpty { serveReceivers(&dropped) }
  }

  /// Drops the elements that even the most patient reader misses.
  @inlinable
  @inline(never)
  func trim(_ dropped: inout [Element]) {
    while history.count > capacity, let oldest = history.popFirst() { dropped.append(oldest.element) }
  }

  // MARK: Taking

  /// What the reader gets now, which it has passed then; nil if there is nothing.
  @inlinable
  @inline(__always)
  func take(_ reader: Reader) -> Delivery? {
    locked { dropped in
      guard let delivery = take(reader, &dropped) else { return nil }
      if !senders.isEmpty { settle(&dropped) }
      return delivery
    }
  }

  /// The same; if there is nothing, the number of changes to wait for more than, and the next one is announced.
  @inlinable
  @inline(__always)
  func takeOrAwait(_ reader: Reader) -> (delivery: Delivery?, changes: Int) {
    locked { dropped in
      guard let delivery = take(reader, &dropped) else {
        isAwaited = true
        return (nil, changes)
      }
      if !senders.isEmpty { settle(&dropped) }
      return (delivery, changes)
    }
  }

  @inlinable
  @inline(__always)
  func take(_ reader: Reader, _ dropped: inout [Element]) -> Delivery? {
    let behind = end &- reader.position
    if behind <= 0 { return reader.isEnded ? .ended : nil }
    if behind > reader.limit { return takeLag(reader, &dropped) }
    let kept = history.slot(history.count &- behind)
    reader.position &+= 1
    kept.pointee.unread &-= 1
    if kept.pointee.unread == 0, let last = history.popFirst() { return .element(last.element) }
    return .element(kept.pointee.element)
  }

  @usableFromInline
  @inline(never)
  func takeLag(_ reader: Reader, _ dropped: inout [Element]) -> Delivery? {
    let lag = next(of: reader)
    if let lag { pass(lag, reader, &dropped) }
    return lag
  }

  /// What the reader gets now, if it wants it.
  private func next(of reader: Reader) -> Delivery? {
    let behind = end - reader.position
    if behind > reader.limit { return .missed(behind - reader.limit) }
    if behind > 0 { return .element(history.slot(history.count - behind).pointee.element) }
    return reader.isEnded ? .ended : nil
  }

  /// The reader has got what it was to get.
  private func pass(_ delivery: Delivery, _ reader: Reader, _ dropped: inout [Element]) {
    switch delivery {
    case .element: advance(reader, to: reader.position + 1, &dropped)
    case .missed(let count): advance(reader, to: reader.position + count, &dropped)
    case .ended: break
    }
  }

  /// Lets a reader pass all elements before a position, in time linear in those that are still there.
  private func advance(_ reader: Reader, to position: Int, _ dropped: inout [Element]) {
    for number in max(reader.position, start)..<max(position, start) {
      history.slot(number - start).pointee.unread -= 1
    }
    reader.position = position
    while let oldest = history.first, oldest.unread == 0 {
      dropped.append(oldest.element)
      _ = history.popFirst()
    }
  }

  // MARK: Receivers in choices

  func enlist(_ waiter: Waiter<Delivery>, _ reader: Reader) {
    locked { dropped in
      receivers.append((waiter, reader))
      serveReceivers(&dropped)
      settle(&dropped)
    }
  }

  func withdraw(_ waiter: Waiter<Delivery>) {
    locked { _ in receivers.removeAll { $0.waiter == waiter } }
  }

  /// Commits the receivers that there is something for; it is taken only if they have not committed elsewhere.
  @usableFromInline
  @inline(never)
  func serveReceivers(_ dropped: inout [Element]) {
    receivers.removeAll { waiter, reader in
      guard let delivery = next(of: reader) else { return false }
      if waiter.commit(delivery) { pass(delivery, reader, &dropped) }
      return true
    }
  }

  /// Ends a subscription; what it alone has kept is dropped, and whom it has held back may go on.
  func remove(_ reader: Reader) {
    locked { dropped in
      if reader.position < end { advance(reader, to: end, &dropped) }
      reader.position = .max
      reader.isEnded = true
      readers.removeAll { $0 === reader }
      brakes.removeAll { $0 === reader }
      capacity = readers.reduce(0) { max($0, $1.limit) }
      trim(&dropped)
      changes += 1
      serveReceivers(&dropped)
      settle(&dropped)
    }
  }
}
