import Synchronization

extension Channel {
  /// Waits until a receiver or the buffer takes the element.
  ///
  /// A channel of the newest or oldest elements takes it at once, and may drop it or an older one; see `Capacity`.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the current scope is
  ///   cancelled. In both cases the element was not delivered.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func send(_ element: Element) throws {
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    let state = state
    me.beginEnlisting()
    state.pointee.lock.lock()
    var lost = false
    switch Self.deliverLocked(state, element, me, published: false, lost: &lost) {
    case .committed: return me.endEnlisting()
    case .dropped:
      me.endEnlisting()
      return ChannelState.handOverDropped(state)
    case .closed:
      me.endEnlisting()
      state.pointee.lock.unlock()
      throw ChannelClosedError()
    case .pending, .lost: break
    }
    if _isPOD(Element.self), FiberRecord.hasScratch(for: Element.self), !me.pointee.isScratchTaken {
      let slot = me.scratch.assumingMemoryBound(to: Element.self)
      slot.initialize(to: element)
      return try awaitReceiver(state, me, offering: slot)
    }
    try _withUnprotectedUnsafePointer(to: element) {
      try awaitReceiver(state, me, offering: UnsafeMutablePointer(mutating: $0))
    }
  }

  /// Parks until a receiver has copied the element from the slot; called with the channel locked, which this unlocks.
  @inlinable
  @inline(__always)
  func awaitReceiver(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ me: FiberRef, offering slot: UnsafeMutablePointer<Element>
  ) throws {
    state.pointee.mayReceive.store(true, ordering: .relaxed)
    // Before the call, so that no reference is held during the wait, not even in code that is not optimised.
    let source = Unmanaged<OperationSource>.passUnretained(smallSends)
    let verdict = me.wait(
      in: state.pointee.senders, under: state.pointee.lock, for: source, slot: UnsafeMutableRawPointer(slot))
    if verdict == .value { return }
    if verdict == .closed { throw ChannelClosedError() }
    throw CancellationError()
  }

  /// The operation that sends the element.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed.
  ///
  /// The operation can be performed again, and sends the element again. Allocates one object, unless the element is a
  /// plain value of at most a word.
  @inlinable
  public func sendOp(_ element: Element) -> Op<Void> {
    if _isPOD(Element.self), MemoryLayout<Element>.size <= MemoryLayout<UInt>.size {
      var bits: UInt = 0
      withUnsafeMutableBytes(of: &bits) { $0.storeBytes(of: element, as: Element.self) }
      return Op(smallSends, argument: bits)
    }
    return Op(SendSource(self, element))
  }

  /// Sends the element if that is possible without waiting; false if it is not.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed.
  @inlinable
  public func trySend(_ element: Element) throws -> Bool {
    let me = Performer.current()
    let state = state
    state.pointee.lock.lock()
    var lost = false
    switch Self.deliverLocked(state, element, me, published: false, lost: &lost) {
    case .committed: return true
    case .dropped:
      ChannelState.handOverDropped(state)
      return true
    case .closed:
      state.pointee.lock.unlock()
      throw ChannelClosedError()
    case .pending, .lost:
      state.pointee.lock.unlock()
      return false
    }
  }

  /// The outcome of an attempt to deliver.
  @usableFromInline
  enum Delivered {
    case committed
    /// Committed; it or an older element is among the dropped ones.
    case dropped
    case closed
    case pending
    case lost
  }

  /// Hands the element to a waiting receiver or the buffer and unlocks; leaves the channel locked in all other cases.
  @inlinable
  @inline(__always)
  static func deliverLocked(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ element: Element, _ me: FiberRef, published: Bool,
    lost: inout Bool
  ) -> Delivered {
    if state.pointee.isClosed { return .closed }
    // No receiver waits while there is something to receive.
    if let offer = state.pointee.receivers.claimFirst(for: me, published: published, lost: &lost) {
      offer.pointee.slot.assumingMemoryBound(to: Element.self).initialize(to: element)
      state.pointee.lock.unlock()
      offer.resume(from: me)
      return .committed
    }
    if lost { return .lost }
    guard state.pointee.count < state.pointee.room else {
      if state.pointee.overflow == .waits { return .pending }
      if published, !me.commitSelf() { return .lost }
      state.pointee.drop(element)
      state.pointee.lock.unlock()
      return .dropped
    }
    if published, !me.commitSelf() { return .lost }
    state.pointee.push(element)
    state.pointee.mayReceive.store(true, ordering: .relaxed)
    state.pointee.lock.unlock()
    return .committed
  }

  /// Attempts to send the element that lies in the offer's slot.
  @inlinable
  static func attemptSend(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ offer: OfferRef, _ attempt: Attempt
  ) -> Answer {
    let me = offer.pointee.performer
    state.pointee.lock.lock()
    var lost = false
    switch deliverLocked(state, offer.element(Element.self), me, published: attempt.isPublished, lost: &lost) {
    case .committed:
      offer.win()
      return .committed
    case .dropped:
      // The handler is user code, which runs only after the perform has been settled: in `finish`.
      offer.win(.kept)
      return .committed
    case .closed:
      defer { state.pointee.lock.unlock() }
      guard offer.commits(attempt) else { return .lost }
      offer.win(.closed)
      return .committed
    case .lost:
      state.pointee.lock.unlock()
      return .lost
    case .pending:
      if attempt.enlists {
        state.pointee.senders.enlist(offer, attempt)
        state.pointee.mayReceive.store(true, ordering: .relaxed)
      }
      state.pointee.lock.unlock()
      return .pending
    }
  }
}

/// The source of sends of plain small elements: the element travels in the operation's argument.
///
/// It owns the channel's state, so the operation stays good when the channel itself has gone.
@usableFromInline
final class SmallSendSource<Element>: OperationSource, @unchecked Sendable {
  @usableFromInline typealias TryOffer =
    (OfferRef, Attempt, UnsafeMutablePointer<ChannelState<Element>>) -> Answer
  let state: UnsafeMutablePointer<ChannelState<Element>>
  let tryOffer: TryOffer
  /// The channel, until its end.
  @usableFromInline let channel = Atomic<Unmanaged<OperationSource>?>(nil)

  @usableFromInline
  init(_ state: UnsafeMutablePointer<ChannelState<Element>>, _ tryOffer: @escaping TryOffer) {
    self.state = state
    self.tryOffer = tryOffer
    super.init()
  }

  deinit {
    state.pointee.destroyBuffer()
    state.destroy()
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer { tryOffer(offer, attempt, state) }

  override func withdraw(_ offer: OfferRef) {
    state.pointee.withdrawSender(offer)
  }

  override func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    if verdict == .kept { return ChannelState.handOverDropped(state) }
    throw ChannelClosedError()
  }

  override class var kindDescription: String { "send to a Channel<\(Element.self)>" }
  override var descriptionKey: UInt? { typeKey }

  /// The object is there: a performer that waits is in a call of the channel, or performs an operation, which then is a
  /// second reference to this.
  override var reach: Reach? {
    let channel = channel.load(ordering: .relaxed).map { UInt(bitPattern: $0.toOpaque()) }
    return channel.map { Reach($0, companion: Reach.address(self)) }
  }

  override func note(in loads: inout [UInt: ChannelLoad]) { ChannelState.note(state, in: &loads) }
}

/// The source of sends of any other element, which it keeps.
@usableFromInline
final class SendSource<Element: Sendable>: OperationSource, @unchecked Sendable {
  @usableFromInline let channel: Channel<Element>
  @usableFromInline let element: UnsafeMutablePointer<Element>
  @usableFromInline let tryOffer: (SendSource<Element>, OfferRef, Attempt) -> Answer

  @inlinable
  init(_ channel: Channel<Element>, _ element: Element) {
    self.channel = channel
    self.element = .allocate(capacity: 1)
    self.element.initialize(to: element)
    tryOffer = { source, offer, attempt in
      offer.pointee.slot = UnsafeMutableRawPointer(source.element)
      return Channel.attemptSend(source.channel.state, offer, attempt)
    }
    super.init()
  }

  deinit {
    element.destroy()
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer { tryOffer(self, offer, attempt) }

  override func withdraw(_ offer: OfferRef) {
    channel.state.pointee.withdrawSender(offer)
  }

  override func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    if verdict == .kept { return ChannelState.handOverDropped(channel.state) }
    throw ChannelClosedError()
  }

  override class var kindDescription: String { "send to a Channel<\(Element.self)>" }
  override var descriptionKey: UInt? { typeKey }
  override func note(in loads: inout [UInt: ChannelLoad]) { ChannelState.note(channel.state, in: &loads) }
}
