import Synchronization

/// A queue between fibers, with a rendezvous when it holds nothing: elements go from senders to receivers, first come,
/// first served.
///
///     let lines = Channel<String>(.bounded(64))
///     nursery.goAsync { for line in input { try lines.send(line) }; lines.close() }
///     nursery.goAsync { for line in lines { count(line) } }
///
/// After a close, elements in the buffer still arrive; then `receive` throws `ChannelClosedError` and a `for` loop
/// ends. Pending and later sends throw the error at once. Fibers of any scheduler and plain threads may use one channel
/// together.
///
/// Invariants, under the lock: a receiver waits only if the buffer is empty and no sender waits; a sender or reserver
/// waits only if the buffer and the reserved places are full; no performer waits once the channel is closed, except
/// receivers while a place is reserved. An offer whose performer has been committed elsewhere may still be linked for a
/// moment and does not count.
public final class Channel<Element: Sendable>: OperationSource, @unchecked Sendable {
  /// How much a channel holds.
  public enum Capacity: Sendable, Hashable {
    /// Nothing: a send waits until a receiver takes the element (a rendezvous).
    case unbuffered
    /// At most this many elements; a send waits while it is full. Zero is `unbuffered`.
    case bounded(Int)
    /// Any number of elements; a send never waits. Memory is the only limit, so bound the producers in another way.
    case unbounded
    /// The newest elements, at most this many; a send never waits, and drops the oldest one if it is full.
    case newest(Int)
    /// The oldest elements, at most this many; a send never waits, and drops its own element if it is full.
    case oldest(Int)
  }

  @usableFromInline let state: UnsafeMutablePointer<ChannelState<Element>>
  /// The source of sends whose element fits into the operation itself; it owns the state.
  @usableFromInline let smallSends: SmallSendSource<Element>
  @usableFromInline let tryOffer: (OfferRef, Attempt, Channel<Element>) -> Answer

  /// Creates an open, empty channel.
  ///
  /// Traps if the number in the capacity is negative, or is not positive for `newest` and `oldest`.
  ///
  /// - Parameter onDrop: gets each element that a channel of the `newest` or `oldest` drops. It runs in a call that sends,
  ///   after the element has been dropped; if it waits, that call waits. Of two calls that drop at the same time each may
  ///   get the other's element.
  @inlinable
  public init(_ capacity: Capacity = .unbuffered, onDrop: (@Sendable (Element) -> Void)? = nil) {
    let (count, overflow) = capacity.checked(hasHandler: onDrop != nil)
    state = .allocate(capacity: 1)
    state.initialize(to: ChannelState(capacity: count, overflow: overflow, onDrop: onDrop))
    tryOffer = { offer, attempt, channel in channel.attemptReceive(offer, attempt) }
    smallSends = SmallSendSource(state) { offer, attempt, state in
      offer.pointee.slot = withUnsafeMutablePointer(to: &offer.pointee.argument) { UnsafeMutableRawPointer($0) }
      return Channel.attemptSend(state, offer, attempt)
    }
    super.init(mayCommit: ChannelState.mayReceive(state))
    smallSends.channel.store(.passUnretained(self), ordering: .relaxed)
  }

  deinit { smallSends.channel.store(nil, ordering: .relaxed) }

  // MARK: Closing

  /// Closes the channel: no more elements are accepted.
  ///
  /// Never blocks; closing again does nothing.
  public func close() {
    let (senders, reservers, receivers) = state.pointee.lock.withLock {
      if state.pointee.isClosed { return (WokenTasks(), WokenTasks(), WokenTasks()) }
      state.pointee.isClosed = true
      let senders = state.pointee.senders.wakeAll(.closed)
      let reservers = state.pointee.reservers.wakeAll(.closed)
      let receivers = state.pointee.endIfDone()
      state.pointee.updateFlag()
      return (senders, reservers, receivers)
    }
    senders.resume()
    reservers.resume()
    receivers.resume()
  }

  /// Whether `close()` has been called; buffered elements may still be there.
  public var isClosed: Bool { state.pointee.lock.withLock { state.pointee.isClosed } }

  /// How many elements are buffered just now.
  public var count: Int { state.pointee.lock.withLock { state.pointee.count } }

  // MARK: As a source: receiving

  override package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer { tryOffer(offer, attempt, self) }

  override package func withdraw(_ offer: OfferRef) {
    state.pointee.lock.withLock { state.pointee.receivers.remove(offer) }
  }

  override package func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    throw ChannelClosedError()
  }

  override package class var kindDescription: String { "receive from a Channel<\(Element.self)>" }
  override package var descriptionKey: UInt? { typeKey }
  override package var reach: Reach? { Reach(Reach.address(self), companion: Reach.address(smallSends)) }
  override package func note(in loads: inout [UInt: ChannelLoad]) { ChannelState.note(state, in: &loads) }
}

/// The channel was closed: nothing is sent any more, and nothing is left to receive.
public struct ChannelClosedError: Error, Hashable, CustomStringConvertible {
  /// Creates the error.
  public init() {}

  /// What happened.
  public var description: String { "the channel is closed" }
}

extension Channel.Capacity {
  /// How many elements it allows, and what happens to one more.
  @usableFromInline
  func checked(hasHandler: Bool) -> (count: Int, Overflow) {
    switch self {
    case .newest(let count), .oldest(let count):
      require(
        count > 0,
        "a channel of the \(count) newest or oldest elements would drop each; write .newest(n) or .oldest(n) with n >= 1"
      )
    case .unbuffered, .bounded, .unbounded:
      require(
        !hasHandler,
        "a channel with a capacity of .\(self) drops nothing; write .newest(n) or .oldest(n), or no onDrop:")
    }
    switch self {
    case .unbuffered: return (0, .waits)
    case .bounded(let count):
      require(count >= 0, "a channel cannot hold \(count) elements; write .bounded(n) with n >= 0")
      return (count, .waits)
    case .unbounded: return (.max, .waits)
    case .newest(let count): return (count, .dropsOldest)
    case .oldest(let count): return (count, .dropsNewest)
    }
  }
}
