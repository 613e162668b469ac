import Synchronization

/// A count that anybody may raise, on any thread.
public final class Counter: Sendable {
  // Inlinable throughout: a call would count more than the counting.
  @usableFromInline let count = Atomic(0)

  /// Creates a count of zero.
  public init() {}

  /// The count by now.
  @inlinable public var value: Int { count.load(ordering: .relaxed) }

  /// Adds to the count and returns the new one.
  @inlinable
  @discardableResult
  public func add(_ amount: Int = 1) -> Int { count.add(amount, ordering: .relaxed).newValue }
}
