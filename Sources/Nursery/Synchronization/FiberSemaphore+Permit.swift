import Synchronization

extension FiberSemaphore {
  /// Permits that have been taken.
  ///
  /// They are given back by `release()`, or when the last reference to this is gone. A permit may be passed on: taken
  /// before a child is spawned, say, and released by the child.
  public final class Permit: Sendable {
    /// How many there are.
    public let count: Int
    private let semaphore: FiberSemaphore
    private let isReleased = Atomic<Bool>(false)

    init(_ semaphore: FiberSemaphore, _ count: Int) {
      self.semaphore = semaphore
      self.count = count
    }

    deinit {
      if !isReleased.load(ordering: .relaxed) { semaphore.give(count) }
    }

    /// Gives the permits back.
    ///
    /// Never blocks. Traps when called again.
    public func release() {
      let wasReleased = isReleased.exchange(true, ordering: .acquiringAndReleasing)
      require(
        !wasReleased,
        "the same \(count) permits of a FiberSemaphore are released twice; release a Permit once, or let it be released by its end"
      )
      semaphore.give(count)
    }
  }
}
