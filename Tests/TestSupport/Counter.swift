import Synchronization

/// A counter that fibers of any worker may increment.
package final class Counter: Sendable {
  private let storage = Atomic<Int>(0)

  package init() {}

  package var value: Int { storage.load(ordering: .acquiring) }

  @discardableResult
  package func add(_ amount: Int = 1) -> Int { storage.add(amount, ordering: .acquiringAndReleasing).newValue }
}
