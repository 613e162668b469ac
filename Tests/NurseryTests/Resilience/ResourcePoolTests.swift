import Nursery
import Testing

@Suite struct ResourcePoolTests {
  /// Makes numbered resources, and notes the discarded ones.
  private struct Factory: Sendable {
    let made = Counter()
    let discarded = Log<Int>()

    func pool(
      in nursery: Nursery, limit: Int, takes time: Duration = .zero, maximumIdle: Duration? = nil,
      maximumAge: Duration? = nil, isGood: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) -> ResourcePool<Int> {
      ResourcePool(in: nursery, limit: limit, deadline: .seconds(30), maximumIdle: maximumIdle, maximumAge: maximumAge)
      {
        try sleep(for: time)
        return made.add()
      } isGood: {
        isGood($0)
      } discard: {
        discarded.append($0)
      }
    }
  }

  @Test(arguments: parallelisms) func noMoreThanTheLimitAreLentAndEachIsLentToOne(workers: Int) throws {
    try virtually(workers) {
      let factory = Factory()
      let (lent, most) = (Log<Int>(), Counter())
      try withNursery { nursery in
        let pool = factory.pool(in: nursery, limit: 3, takes: .seconds(1))
        let inUse = Guarded<Set<Int>>([])
        try withNursery { users in
          for _ in 0..<20 {
            users.goAsync {
              try pool.withResource { number in
                let count = inUse.withLock { set in
                  #expect(set.insert(number).inserted)
                  return set.count
                }
                if count > most.value { most.add() }
                try sleep(for: .seconds(1))
                inUse.withLock { _ = $0.remove(number) }
                lent.append(number)
              }
            }
          }
        }
        #expect(pool.statistics == .init(free: 3))
      }
      #expect(lent.entries.count == 20)
      #expect(most.value == 3)
      #expect(factory.made.value == 3)
      #expect(factory.discarded.entries.sorted() == [1, 2, 3])
    }
  }

  @Test func aCancelledLeaseTakesNothingAndLeavesTheResourceItAskedFor() throws {
    try virtually {
      let factory = Factory()
      try withNursery { nursery in
        let pool = factory.pool(in: nursery, limit: 1, takes: .seconds(5))
        try expectEqual(withTimeoutOrNil(.seconds(1)) { try pool.withResource { _ in } } == nil, true)
        #expect(pool.statistics == .init(making: 1))
        try sleep(for: .seconds(5))
        #expect(pool.statistics == .init(free: 1))
        let start = FiberClock.now
        try pool.withResource { #expect($0 == 1) }
        #expect(FiberClock.now == start)
      }
    }
  }

  @Test func aLeaseThatLosesGivesWayToTheNext() throws {
    try virtually {
      let factory = Factory()
      try withNursery { nursery in
        let pool = factory.pool(in: nursery, limit: 1)
        let lease = try pool.leaseOp().perform()
        let won = try choose(pool.leaseOp().wrap { _ in "lease" }, sleepOp(for: .seconds(1)).wrap { "timer" })
        #expect(won == "timer")
        let waiting = nursery.goAsync { try pool.withResource { $0 } }
        try sleep(for: .seconds(1))
        #expect(pool.statistics == .init(lent: 1, waiting: 1))
        lease.end()
        lease.end()
        try expectEqual(waiting.wait(), 1)
      }
    }
  }

  @Test func oldIdleAndBadResourcesAreReplaced() throws {
    try virtually {
      let factory = Factory()
      let bad = Log<Int>()
      try withNursery { nursery in
        let pool = factory.pool(
          in: nursery, limit: 1, maximumIdle: .seconds(10), maximumAge: .seconds(25),
          isGood: { !bad.entries.contains($0) })
        func borrow() throws -> Int { try pool.withResource { $0 } }
        try expectEqual(borrow(), 1)
        try sleep(for: .seconds(9))
        try expectEqual(borrow(), 1)
        try sleep(for: .seconds(11))
        try expectEqual(borrow(), 2)
        for _ in 0..<3 {
          try sleep(for: .seconds(8))
          try expectEqual(borrow(), 2)
        }
        try sleep(for: .seconds(2))
        try expectEqual(borrow(), 3)
        bad.append(3)
        try expectEqual(borrow(), 4)
        #expect(factory.discarded.entries == [1, 2, 3])
      }
    }
  }

  @Test func aResourceThatABodyHasSpoiledIsDiscarded() throws {
    try virtually {
      let factory = Factory()
      try withNursery { nursery in
        let pool = factory.pool(in: nursery, limit: 1)
        expectThrows(Oops.self) { try pool.withResource { _ in throw Oops(1) } }
        #expect(factory.discarded.entries == [])
        expectThrows(Oops.self) { try pool.withResource(isReusable: { _ in false }) { _ in throw Oops(1) } }
        #expect(factory.discarded.entries == [1])
        try pool.withResource { #expect($0 == 2) }
      }
    }
  }

  @Test func anErrorOfMakingIsThatOfTheLeaseThatWaits() throws {
    try virtually {
      try withNursery { nursery in
        let attempts = Counter()
        let pool = ResourcePool<Int>(in: nursery, limit: 2, deadline: .seconds(3)) {
          if attempts.add() == 1 { throw Oops(1) }
          try sleep(for: .seconds(10))
          return 1
        }
        expectThrows(Oops.self) { try pool.withResource { _ in } }
        expectThrows(TimeoutError.self) { try pool.withResource { _ in } }
        #expect(pool.statistics == .init())
        #expect(!nursery.isCancelled)
      }
    }
  }

  @Test func aLeaseEndsWithItsLastReference() throws {
    try virtually {
      try withNursery { nursery in
        let pool = Factory().pool(in: nursery, limit: 1)
        do {
          let lease = try pool.leaseOp().perform()
          #expect(lease.resource == 1)
        }
        #expect(pool.statistics == .init(free: 1))
      }
    }
  }

  @Test func anEmptyPoolTraps() async {
    await #expect(processExitsWith: .failure) {
      try synchronously { try runFibers { try withNursery { _ = ResourcePool<Int>(in: $0, limit: 0) { 1 } } } }
    }
  }
}
