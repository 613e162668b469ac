/// An event count: a number that only grows, and performers that wait until it is larger than the one they have seen
/// (Reed and Kanodia, CACM 1979).
///
/// A waiter learns that the state has changed, and then looks at the state again.
///
/// Not generic, so that a wait runs no unspecialised code, which looks up its types at run time.
@usableFromInline
final class EventCount: Sendable {
  private let numbers: PermitQueue

  /// - Parameters:
  ///   - kind: what a wait for any object of this kind is called.
  ///   - describe: what a wait for this one is called in reports, if that is more.
  @usableFromInline
  init(_ kind: StaticString, _ describe: (@Sendable () -> String)? = nil) {
    numbers = PermitQueue(0, kind) { _, _ in describe?() ?? kind.description }
  }

  /// Raises the number to this one, unless it is larger already; wakes the waiters that have seen a smaller one.
  ///
  /// Callers need no common lock: a larger number may have come first.
  @usableFromInline
  func advance(to number: Int) { numbers.raiseFree(to: number) }

  /// Waits until the number is larger than this one; `me` has entered the call, and was not cancelled then.
  ///
  /// - Throws: `CancellationError` if the current scope is cancelled while it waits.
  @usableFromInline
  func await(after number: Int, by me: FiberRef) throws { try numbers.watch(for: number + 1, by: me) }

  /// The operation that commits when the number is larger than this one.
  @usableFromInline
  func awaitOp(after number: Int) -> Op<Void> { numbers.availableOp(number + 1) }
}
