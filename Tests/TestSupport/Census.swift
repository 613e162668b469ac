import Synchronization

/// Counts how many of the objects it has made are alive.
package final class Census: Sendable {
  private let living = Atomic<Int>(0)
  private let born = Atomic<Int>(0)

  /// An object that is counted while it lives.
  package final class Member: Sendable {
    let census: Census
    package let number: Int

    init(_ census: Census, _ number: Int) {
      self.census = census
      self.number = number
      census.living.add(1, ordering: .relaxed)
      census.born.add(1, ordering: .relaxed)
    }

    deinit { census.living.subtract(1, ordering: .relaxed) }
  }

  package init() {}

  package func make(_ number: Int = 0) -> Member { Member(self, number) }

  /// How many live now.
  package var count: Int { living.load(ordering: .acquiring) }
  /// How many there ever were.
  package var total: Int { born.load(ordering: .acquiring) }
}
