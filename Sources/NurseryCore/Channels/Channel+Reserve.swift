import Synchronization

extension Channel {
  /// Waits until there is a place in the buffer, and reserves it for one element.
  ///
  ///     let place = try results.reserve()   // before the work begins
  ///     place.send(try work())              // does not wait
  ///
  /// Senders and reservers that wait get free places in turns. A cancellation point. Traps if the channel is
  /// unbuffered, or holds the newest or oldest elements.
  ///
  /// - Throws: `ChannelClosedError` when the channel is or gets closed; `CancellationError` if the current scope is
  ///   cancelled. In both cases nothing is reserved.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func reserve() throws -> Permit { try reserveOp().perform() }

  /// The operation that reserves a place in the buffer for one element.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed. A branch that loses reserves nothing. Traps as
  /// `reserve()` does.
  public func reserveOp() -> Op<Permit> {
    require(
      state.pointee.capacity > 0,
      "an unbuffered channel has no place to reserve; write Channel(.bounded(n)), or call send(_:)")
    require(
      state.pointee.overflow == .waits,
      "senders never wait at a channel of the newest or oldest elements, so there is nothing to reserve; call send(_:)")
    return Op<Void>(ReserveSource(self)).wrap { [self] in Permit(self) }
  }

  /// A place in a channel's buffer for one element.
  ///
  /// The place is given back when the last reference to this ends, if nothing has been sent. A permit may be passed on.
  /// It still sends after the channel has been closed: receivers wait for it.
  public final class Permit: Sendable {
    private let channel: Channel
    private let isUsed = Atomic<Bool>(false)

    init(_ channel: Channel) {
      self.channel = channel
    }

    deinit {
      if !isUsed.load(ordering: .relaxed) { ChannelState.giveBackPlace(channel.state, sending: nil) }
    }

    /// Sends the element.
    ///
    /// Never blocks. Traps if the permit has been used or released.
    public func send(_ element: Element) {
      use()
      ChannelState.giveBackPlace(channel.state, sending: element)
    }

    /// Gives the place back.
    ///
    /// Never blocks. Traps if the permit has been used or released.
    public func release() {
      use()
      ChannelState.giveBackPlace(channel.state, sending: nil)
    }

    private func use() {
      let wasUsed = isUsed.exchange(true, ordering: .acquiringAndReleasing)
      require(
        !wasUsed, "a Permit of a channel sends one element, and this one is used up; call reserve() for each element")
    }
  }
}

/// The source of reservations.
private final class ReserveSource<Element: Sendable>: OperationSource, @unchecked Sendable {
  private let channel: Channel<Element>

  init(_ channel: Channel<Element>) {
    self.channel = channel
    super.init()
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    let state = channel.state
    state.pointee.lock.lock()
    defer { state.pointee.lock.unlock() }
    let isClosed = state.pointee.isClosed
    guard isClosed || state.pointee.count < state.pointee.room else {
      if attempt.enlists { state.pointee.reservers.enlist(offer, attempt) }
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    if !isClosed { state.pointee.room -= 1 }
    offer.win(isClosed ? .closed : .value)
    return .committed
  }

  override func withdraw(_ offer: OfferRef) {
    channel.state.pointee.lock.withLock { channel.state.pointee.reservers.remove(offer) }
  }

  override func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    throw ChannelClosedError()
  }

  override class var kindDescription: String { "to reserve a place in a Channel<\(Element.self)>" }
  override func note(in loads: inout [UInt: ChannelLoad]) { ChannelState.note(channel.state, in: &loads) }
}
