import Nursery
import TestSupport
import Testing

/// Trees of fibers: children that spawn children and wait for them.
struct ForkJoinTests {
  @Test(.timeLimit(.minutes(1)), arguments: [1, 2]) func aChildBehindFamiliesWithoutEndBegins(workers: Int) throws {
    let hasBegun = Guarded(false)
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        nursery.goAsync {
          while !hasBegun.withLock({ $0 }) { try withNursery { $0.goAsync {} } }
        }
        nursery.goAsync { hasBegun.withLock { $0 = true } }
      }
    }
  }

  @Test func childrenOfAnInnerNurseryBeginFirst() throws {
    let begun = Log<Int>()
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { outer in
        for number in [4, 5] { outer.goAsync { begun.append(number) } }
        try withNursery { middle in
          middle.goAsync { begun.append(3) }
          try withNursery { inner in
            for number in [1, 2] { inner.goAsync { begun.append(number) } }
          }
        }
      }
    }
    #expect(begun.entries == [1, 2, 3, 4, 5])
  }

  /// How many threads have run leaves of a tree.
  private func threads(depth: Int, _ seen: Guarded<Set<UInt>>) throws {
    if depth == 0 { return seen.withLock { _ = $0.insert(threadNumber()) } }
    try withNursery { nursery in
      for _ in 0..<10 { nursery.goAsync { try threads(depth: depth - 1, seen) } }
    }
  }

  @Test(.timeLimit(.minutes(1))) func aWorkerWithoutWorkTakesBranchesOfATree() throws {
    let seen = Guarded<Set<UInt>>([])
    try runFibers(Configuration(parallelism: 2)) {
      while seen.withLock({ $0.count }) < 2 { try threads(depth: 4, seen) }
    }
  }
}
