/// A channel for elements that have one owner: noncopyable values, and objects that are not `Sendable`.
///
///     let connections = HandoverChannel<Connection>(.bounded(16))
///     // one fiber
///     if let unsent = connections.send(connection) { unsent.take().refuse() }
///     // another fiber
///     while let connection = try connections.next() { connection.serve() }
///
/// A send hands its element over, so the sender cannot use it any more. An element that was not delivered comes back in
/// an `Unsent`. So each element is received once, comes back once, or ends with the channel.
///
/// An operation can be performed again, and would send its element again, so there is no `sendOp`. A choice can
/// receive: the value of `receiveOp()` is a `Parcel`, from which the winner takes the element. In all other respects
/// this is a `Channel` of parcels. Each send allocates one object, the parcel.
public final class HandoverChannel<Element: ~Copyable>: Sendable {
  /// How much a channel holds; `.newest` and `.oldest` would drop elements, and trap.
  public typealias Capacity = Channel<Parcel<Element>>.Capacity

  let parcels: Channel<Parcel<Element>>

  /// Creates an open, empty channel.
  ///
  /// Traps if the capacity is negative, or is one that drops elements.
  public init(_ capacity: Capacity = .unbuffered) {
    switch capacity {
    case .unbuffered, .bounded, .unbounded: break
    case .newest, .oldest:
      require(false, "a HandoverChannel drops no element; write .bounded(n), and trySend() where it may be full")
    }
    parcels = Channel(capacity)
  }

  // MARK: Sending

  /// Waits until a receiver or the buffer takes the element.
  ///
  /// A cancellation point: it does not throw, but returns the element, so a fiber that is to end looks at the result.
  ///
  /// - Returns: nil if the element was delivered; otherwise the element, and the reason: `ChannelClosedError` when the
  ///   channel is or gets closed, `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func send(_ element: consuming sending Element) -> Unsent<Element>? {
    let parcel = Parcel(element)
    do { try parcels.send(parcel) } catch { return Unsent(parcel, error) }
    return nil
  }

  /// Waits until a receiver or the buffer takes the element, for a limited time.
  ///
  /// A cancellation point, as `send(_:)` is. Zero or negative: tried once.
  ///
  /// - Returns: nil if the element was delivered; otherwise the element, and the reason: `TimeoutError` when the time is
  ///   over, or one of those of `send(_:)`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func send(
    _ element: consuming sending Element, orTimeoutAfter duration: Duration, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Unsent<Element>? {
    let parcel = Parcel(element)
    do {
      try parcels.sendOp(parcel).orTimeout(after: duration, file: file, line: line).perform()
    } catch {
      return Unsent(parcel, error)
    }
    return nil
  }

  /// Sends the element if that is possible without waiting.
  ///
  /// - Returns: nil if the element was delivered; otherwise the element, and the reason: `ChannelFullError` or
  ///   `ChannelClosedError`.
  public func trySend(_ element: consuming sending Element) -> Unsent<Element>? {
    let parcel = Parcel(element)
    do {
      return try parcels.trySend(parcel) ? nil : Unsent(parcel, ChannelFullError())
    } catch {
      return Unsent(parcel, error)
    }
  }

  // MARK: Receiving

  /// Waits for the next element and takes it.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `ChannelClosedError` when the channel is closed and drained; `CancellationError` if the current scope is
  ///   cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func receive() throws -> sending Element { try parcels.receive().take() }

  /// The operation that takes the next parcel; its value holds the element.
  ///
  /// It fails with `ChannelClosedError` when the channel is closed and drained. A parcel that is released with its
  /// element still in it ends that element.
  public func receiveOp() -> Op<Parcel<Element>> { parcels.receiveOp() }

  /// Waits for the next element and takes it; nil when the channel is closed and drained.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled: then no element has been taken.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func next() throws -> sending Element? {
    guard let parcel = try parcels.next() else { return nil }
    return parcel.take()
  }

  /// The operation that takes the next parcel; its value is nil when the channel is closed and drained.
  public func nextOp() -> Op<Parcel<Element>?> { parcels.nextOp() }

  /// Takes an element if one is available without waiting; nil if not, or if the channel is closed.
  public func tryReceive() -> sending Element? {
    guard let parcel = parcels.tryReceive() else { return nil }
    return parcel.take()
  }

  // MARK: The channel

  /// Closes the channel: no more elements are accepted, and pending sends return theirs.
  ///
  /// Buffered elements still arrive. Never blocks; closing again does nothing.
  public func close() { parcels.close() }

  /// Whether `close()` has been called; buffered elements may still be there.
  public var isClosed: Bool { parcels.isClosed }

  /// How many elements are buffered just now.
  public var count: Int { parcels.count }

  /// What has happened in this channel, and what waits there now.
  public var statistics: ChannelStatistics { parcels.statistics }
}

/// The element was not sent: the channel is full, and no receiver waits.
public struct ChannelFullError: Error, Hashable, CustomStringConvertible {
  /// Creates the error.
  public init() {}

  /// What happened.
  public var description: String { "the channel is full" }
}
