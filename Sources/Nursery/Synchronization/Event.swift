/// A condition that can be taken back: while it is set, waits for it return at once.
///
///     let isOpen = Event()
///     try isOpen.wait()   // until another fiber calls isOpen.set()
///
/// A `Condition` becomes true once and stays true. An `Event` may be reset and set again, any number of times. `set()`
/// releases the waiters of that moment, even if `reset()` follows at once.
public final class Event: Sendable {
  private let gate: PermitQueue

  /// Creates an event.
  public init(isSet: Bool = false) {
    gate = PermitQueue(isSet ? 1 : 0, "an Event")
  }

  /// Whether it is set.
  public var isSet: Bool { gate.freeCount == 1 }

  /// Sets the event and releases all waiters.
  ///
  /// Never blocks; if it is set already, nothing changes.
  public func set() { gate.setFree(1) }

  /// Takes the event back: later waits wait for the next `set()`.
  ///
  /// Never blocks; if it is not set, nothing changes.
  public func reset() { gate.setFree(0) }

  /// Waits until the event is set.
  ///
  /// A cancellation point; allocates nothing.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws { try waitOp().perform() }

  /// The operation that commits while the event is set; it does not reset it.
  public func waitOp() -> Op<Void> { gate.availableOp(1) }
}
