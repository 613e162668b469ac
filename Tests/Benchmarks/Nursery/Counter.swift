import Synchronization

/// A count that fibers of any worker may raise.
final class Counter: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  /// Adds to the count and returns the new one.
  @discardableResult
  func add(_ amount: Int = 1) -> Int { count.add(amount, ordering: .relaxed).newValue }
}
