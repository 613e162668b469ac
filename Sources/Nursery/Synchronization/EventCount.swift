/// A number that only grows, and those who wait until it is larger than what they have seen (Reed and Kanodia, CACM
/// 1979).
///
/// For a state that whoever waits for it looks at again: an awaiter is told that there is news, not what.
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

  /// The number is at least this one; wakes those who have seen a smaller one.
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
