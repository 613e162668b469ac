/// A meeting place where two fibers exchange values: each gives one and gets the other's.
///
///     let desk = SwapChannel<Card>()
///     let theirs = try desk.swap(mine)   // waits for a partner
///
/// From Concurrent ML (Reppy, Concurrent Programming in ML, 1999). Both exchange or neither does: a swap that loses,
/// times out or is cancelled has given nothing away.
public final class SwapChannel<Value: Sendable>: Sendable {
  private struct Partner: Sendable {
    let value: Value
    let answer: Channel<Value>
  }

  private let meetings = Channel<Partner>()

  /// Creates a meeting place.
  public init() {}

  /// Waits for a partner, gives it the value and returns the partner's.
  ///
  /// A cancellation point. Allocates a few objects.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled; then nothing has been exchanged.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func swap(_ value: Value) throws -> Value { try swapOp(value).perform() }

  /// The operation that exchanges the value for a partner's.
  ///
  /// Two swaps of one choice never meet each other.
  public func swapOp(_ value: Value) -> Op<Value> {
    .guarded { [meetings] in
      let answer = Channel<Value>(.bounded(1))
      return .choice([
        meetings.receiveOp().wrap { partner in
          _ = try partner.answer.trySend(value)
          return partner.value
        },
        // The meeting has committed, and its partner answers without waiting: this wait is short, and must not be cut
        // off.
        meetings.sendOp(Partner(value: value, answer: answer)).wrap { try withShield { try answer.receive() } },
      ])
    }
  }
}
