/// Sending and receiving from asynchronous code; see `Op.perform() async`.
extension Channel {
  /// Waits until a receiver or the buffer takes the element; suspends the task meanwhile.
  ///
  /// A channel of the newest or oldest elements takes it at once, and may drop it or an older one; see `Capacity`.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the task is cancelled. In
  ///   both cases the element was not delivered.
  @inlinable
  nonisolated(nonsending) public func send(_ element: Element) async throws {
    if TaskPerformer.isSchedulingPoint { await TaskPerformer.pause() }
    let me = try TaskPerformer.begin()
    defer { TaskPerformer.end(me) }
    let slot = me.taskSlot(for: Element.self)
    slot.initialize(to: element)
    defer {
      slot.deinitialize(count: 1)
      me.freeTaskSlot(slot)
    }
    let source = Unmanaged<OperationSource>.passUnretained(smallSends)
    let offer = me.ownOffer(source, argument: 0, slot: UnsafeMutableRawPointer(slot))
    me.beginEnlisting()
    if !me.endsEnlisting(Self.attemptSend(state, offer, .enlistAlone)) {
      await TaskPerformer.suspend(me, offer, 1)
      me.endWait(offer, source)
    }
    switch me.pointee.wait.verdict {
    case .value: return
    case .kept: ChannelState.handOverDropped(state)
    case .closed: throw ChannelClosedError()
    default: throw CancellationError()
    }
  }

  /// Waits for the next element and takes it; suspends the task meanwhile.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed and drained; `CancellationError` if the task is
  ///   cancelled: then no element has been taken.
  @inlinable
  nonisolated(nonsending) public func receive() async throws -> Element { try await receiveOp().perform() }

  /// Waits for the next element and takes it; nil when the channel is closed and drained.
  ///
  /// Suspends the task meanwhile:
  ///
  ///     while let line = try await lines.next() { count(line) }
  ///
  /// A cancellation point; allocates one block.
  ///
  /// - Throws: `CancellationError` if the task is cancelled: then no element has been taken.
  @inlinable
  nonisolated(nonsending) public func next() async throws -> Element? { try await nextOp().perform() }

  /// Waits for an element, and takes it and those that are available then, at most `limit`; suspends the task
  /// meanwhile.
  ///
  /// Returns at least one. A cancellation point. Traps if the limit is not positive.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed and drained; `CancellationError` if the task is
  ///   cancelled: then no element has been taken.
  nonisolated(nonsending) public func receiveMany(upTo limit: Int) async throws -> [Element] {
    try await receiveManyOp(upTo: limit).perform()
  }

  /// Waits until the first element can be sent, and sends it and those that follow it as long as they need not wait;
  /// suspends the task meanwhile.
  ///
  /// A cancellation point.
  ///
  /// - Returns: how many have been sent, from the first one; 0 only if there are none.
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the task is cancelled. In
  ///   both cases no element was delivered.
  nonisolated(nonsending) public func sendMany(_ elements: some Collection<Element>) async throws -> Int {
    try await sendManyOp(elements).perform()
  }

  /// Waits until there is a place in the buffer, and reserves it for one element; suspends the task meanwhile.
  ///
  /// A cancellation point. Traps as the form for fibers does.
  ///
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the task is cancelled. In
  ///   both cases nothing is reserved.
  nonisolated(nonsending) public func reserve() async throws -> Permit { try await reserveOp().perform() }
}
