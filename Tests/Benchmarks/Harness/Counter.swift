import Synchronization

/// A counter that any thread may increment.
public final class Counter: Sendable {
  // Inlinable throughout: a call would cost more than the increment.
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
