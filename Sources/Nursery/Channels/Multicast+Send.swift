extension Multicast {
  /// Waits until no subscriber holds it back, and gives the element to all of them.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `ChannelClosedError` when the multicast is or gets closed; `CancellationError` if the current scope is
  ///   cancelled. In both cases no subscriber has got the element.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func send(_ element: Element) throws {
    if Performer.enter().isCancelled { throw CancellationError() }
    guard try sendAtOnce(element) ?? awaitSubscribers(element) else { throw ChannelClosedError() }
  }

  /// Gives the element to all subscribers if none holds it back; false if one does.
  ///
  /// Never blocks.
  ///
  /// - Throws: `ChannelClosedError` when the multicast is closed.
  @inlinable
  public func trySend(_ element: Element) throws -> Bool {
    guard let isOpen = sendAtOnce(element) else { return false }
    if !isOpen { throw ChannelClosedError() }
    return true
  }

  /// The operation that gives the element to all subscribers.
  ///
  /// It fails with `ChannelClosedError` when the multicast is closed. It can be performed again, and sends the element
  /// again.
  public func sendOp(_ element: Element) -> Op<Void> {
    Op(base: Send(multicast: self, element: element)).wrap { if !$0 { throw ChannelClosedError() } }
  }

  /// True if all subscribers have got the element, false if it is closed, nil if the sender has to wait.
  @inlinable
  func sendAtOnce(_ element: Element) -> Bool? {
    locked { dropped in
      if isClosed { return false }
      guard senders.isEmpty, !isHeldBack else { return nil }
      add(element, &dropped)
      return true
    }
  }

  @usableFromInline
  @inline(never)
  func awaitSubscribers(_ element: Element) throws -> Bool {
    try Op(base: Send(multicast: self, element: element)).perform()
  }

  @inlinable var isHeldBack: Bool {
    if brakes.isEmpty { return false }
    return brakes.contains { end - $0.position >= $0.limit }
  }

  /// Serves waiting senders as long as no subscriber holds them back.
  @usableFromInline
  @inline(never)
  func settle(_ dropped: inout [Element]) {
    while !senders.isEmpty, !isHeldBack {
      let next = senders.removeFirst()
      if next.waiter.commit(true) { add(next.element, &dropped) }
      dropped.append(next.element)
    }
  }

  private struct Send: OwnOperation {
    let multicast: Multicast
    let element: Element

    func poll() -> Bool? { multicast.sendAtOnce(element) }

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
        if let index = multicast.senders.firstIndex(where: { $0.waiter == waiter }) {
          dropped.append(multicast.senders.remove(at: index).element)
        }
        multicast.settle(&dropped)
      }
    }

    static var kindDescription: String { "to send to a Multicast<\(Element.self)>, held back by a subscriber" }
    func note(in loads: inout [UInt: ChannelLoad]) { multicast.note(in: &loads) }
  }

  /// Adds what the slowest subscriber has not taken yet, unless it is there.
  func note(in loads: inout [UInt: ChannelLoad]) {
    let address = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
    guard loads[address] == nil else { return }
    loads[address] = locked { _ in
      ChannelLoad(
        name: "Multicast<\(Element.self)>", capacity: nil, count: readers.map { end - $0.position }.max() ?? 0, peak: 0,
        dropped: 0, waitingSenders: senders.count, waitingReceivers: receivers.count)
    }
  }
}
