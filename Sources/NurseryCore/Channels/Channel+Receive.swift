import Synchronization

extension Channel {
  /// The outcome of a receive.
  @usableFromInline
  enum Received {
    case element(Element)
    case closed
    case cancelled
  }

  /// Waits for the next element and takes it.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed and drained; `CancellationError` if the current scope is
  ///   cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  @inlinable
  public func receive() throws -> Element {
    switch receiveOutcome() {
    case .element(let element): return element
    case .closed: throw ChannelClosedError()
    case .cancelled: throw CancellationError()
    }
  }

  /// The operation that takes the next element; its value is the element.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed and drained.
  @inlinable
  public func receiveOp() -> Op<Element> { Op(self) }

  /// Takes an element if one is available without waiting; nil if not, or if the channel is closed.
  @inlinable
  public func tryReceive() -> Element? {
    let me = Performer.current()
    let state = state
    state.pointee.lock.lock()
    var lost = false
    if let element = Self.takeLocked(state, me, published: false, lost: &lost) { return element }
    state.pointee.lock.unlock()
    return nil
  }

  @inlinable
  func receiveOutcome() -> Received {
    let me = Performer.enter()
    if me.isCancelled { return .cancelled }
    let state = state
    me.beginEnlisting()
    state.pointee.lock.lock()
    var lost = false
    if let element = Self.takeLocked(state, me, published: false, lost: &lost) {
      me.endEnlisting()
      return .element(element)
    }
    if state.pointee.isEnded {
      me.endEnlisting()
      state.pointee.lock.unlock()
      return .closed
    }
    if FiberRecord.hasScratch(for: Element.self), !me.pointee.isScratchTaken {
      return awaitElement(state, me, in: me.scratch.assumingMemoryBound(to: Element.self))
    }
    return _withUnprotectedUnsafeTemporaryAllocation(of: Element.self, capacity: 1) { slot in
      awaitElement(state, me, in: slot.baseAddress!)
    }
  }

  /// Parks until a sender has put its element into the slot; called with the channel locked, which this unlocks.
  @inlinable
  @inline(__always)
  func awaitElement(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ me: FiberRef, in slot: UnsafeMutablePointer<Element>
  ) -> Received {
    let verdict = me.wait(
      in: state.pointee.receivers, under: state.pointee.lock, for: .passUnretained(self),
      slot: UnsafeMutableRawPointer(slot))
    if verdict == .value { return .element(slot.move()) }
    return verdict == .closed ? .closed : .cancelled
  }

  /// Takes the element that is due to a receiver now and unlocks; nil, and still locked, if there is none.
  @inlinable
  @inline(__always)
  static func takeLocked(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ me: FiberRef, published: Bool, lost: inout Bool
  ) -> Element? {
    if state.pointee.count > 0 { return takeBuffered(state, me, published: published, lost: &lost) }
    guard let offer = state.pointee.senders.claimFirst(for: me, published: published, lost: &lost) else { return nil }
    let element = offer.element(Element.self)
    // Nothing is buffered, and no sender waits at a closed channel.
    state.pointee.mayReceive.store(!state.pointee.senders.isEmpty, ordering: .relaxed)
    state.pointee.lock.unlock()
    offer.resume(from: me)
    return element
  }

  @inlinable
  @inline(__always)
  static func takeBuffered(
    _ state: UnsafeMutablePointer<ChannelState<Element>>, _ me: FiberRef, published: Bool, lost: inout Bool
  ) -> Element? {
    if published, !me.commitSelf() {
      lost = true
      return nil
    }
    let element = state.pointee.pop()
    // This performer holds no claim here that others wait for, so the waiting sender's own word decides.
    let offer: OfferRef?
    if state.pointee.reservers.isEmpty {
      offer = state.pointee.senders.claimFirst(for: me)
      if let offer { state.pointee.push(offer.element(Element.self)) }
    } else {
      offer = state.pointee.admitNext(for: me)
    }
    state.pointee.updateFlag()
    state.pointee.lock.unlock()
    offer?.resume(from: me)
    return element
  }

  @inlinable
  @inline(__always)
  func attemptReceive(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let me = offer.pointee.performer
    let state = state
    state.pointee.lock.lock()
    var lost = false
    if let element = Self.takeLocked(state, me, published: attempt.isPublished, lost: &lost) {
      offer.pointee.slot.assumingMemoryBound(to: Element.self).initialize(to: element)
      offer.win()
      return .committed
    }
    defer { state.pointee.lock.unlock() }
    if lost { return .lost }
    if state.pointee.isEnded {
      guard offer.commits(attempt) else { return .lost }
      offer.win(.closed)
      return .committed
    }
    if attempt.enlists { state.pointee.receivers.enlist(offer, attempt) }
    return .pending
  }
}

extension OfferRef {
  /// A copy of the element that a sender offers; the sender drops its own when it goes on.
  @inlinable
  func element<Element>(_ type: Element.Type) -> Element {
    pointee.slot.assumingMemoryBound(to: Element.self).pointee
  }
}

extension Channel: Sequence {
  /// Iterates over the elements as they arrive.
  public struct Iterator: IteratorProtocol {
    @usableFromInline let channel: Channel<Element>

    @usableFromInline
    init(_ channel: Channel<Element>) {
      self.channel = channel
    }

    /// Waits for the next element; nil when the channel is closed and drained, and in a cancelled scope.
    @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
    @inlinable
    public mutating func next() -> Element? {
      #if DEBUG
        // In code that is not optimised the iterator has a reference, and this function another.
        let me = Performer.current()
        me.pointee.wait.ownReferences = 2
        defer { me.pointee.wait.ownReferences = 0 }
      #endif
      if case .element(let element) = channel.receiveOutcome() { return element }
      return nil
    }
  }

  /// Begins an iteration: `for element in channel`.
  ///
  /// Several fibers may iterate at once and share the elements.
  ///
  /// The loop ends when the channel is closed and drained, and also in a cancelled scope; the next blocking call throws
  /// then.
  @inlinable
  public func makeIterator() -> Iterator { Iterator(self) }
}
