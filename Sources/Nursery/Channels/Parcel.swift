import Synchronization

/// The value of a choice that may receive from a `HandoverChannel`: it holds the element until its receiver takes it.
///
///     let connection = try choose(connections.receiveOp(), urgent.receiveOp()).take()
///
/// If the last reference goes and the element has not been taken, the element ends.
public final class Parcel<Element: ~Copyable>: @unchecked Sendable {
  private let isTaken = Atomic(false)
  // Only the taker that has set the flag uses it.
  @exclusivity(unchecked) private var element: Element?

  init(_ element: consuming sending Element) { self.element = consume element }

  /// Takes the element out; it is the caller's own.
  ///
  /// Never blocks. Taking it a second time is a mistake that traps.
  public func take() -> sending Element {
    require(
      !isTaken.exchange(true, ordering: .acquiring),
      "the element of this Parcel has been taken; call take() once, and pass the element on")
    nonisolated(unsafe) let element = element.take()
    return element!
  }
}

/// An element that a `HandoverChannel` did not deliver, and why.
///
///     if let unsent = connections.send(connection) {
///       let reason = unsent.reason
///       unsent.take().refuse()
///       throw reason
///     }
///
/// If the element is not taken, it ends with this value.
public struct Unsent<Element: ~Copyable>: ~Copyable, Sendable {
  /// `ChannelClosedError`, `CancellationError`, `TimeoutError` or `ChannelFullError`.
  public let reason: any Error
  private let parcel: Parcel<Element>

  init(_ parcel: Parcel<Element>, _ reason: any Error) {
    self.parcel = parcel
    self.reason = reason
  }

  /// Takes the element back; it is the caller's own again.
  public consuming func take() -> sending Element { parcel.take() }
}
