#if DEBUG
  @testable import NurseryCore
  import Testing

  /// The memory of unneeded stacks is returned to the kernel while a scheduler runs.
  ///
  /// The tests pass the time as an argument.
  @Suite(.disabled(if: !StackPool.returnsMemory, "the thread sanitizer's notes are never given up"))
  struct StackTrimmingTests {
    private let kept = StackPool.keptStacks
    private let second: Int64 = 1_000_000_000
    private var interval: Int64 { StackPool.defaultInterval }

    private func take(_ count: Int, from pool: StackPool) throws -> [StackRef] {
      try (0..<count).map { _ in try pool.take() }
    }

    private func give(_ stacks: [StackRef], to pool: StackPool) {
      for stack in stacks { pool.give(stack, count: 1) }
    }

    /// The work of an idle worker until it may sleep; returns how long it may sleep.
    private func returnUnneeded(_ pool: StackPool, now: Int64) -> Int64? {
      var next = pool.returnUnneeded(now: now)
      while next == 0 { next = pool.returnUnneeded(now: now) }
      return next
    }

    @Test func aBurstOfStacksIsReturnedAfterAnIntervalWithoutUse() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      give(try take(1000, from: pool), to: pool)
      #expect(returnUnneeded(pool, now: second) == interval)
      #expect(pool.statistics == .init(mapped: 1000, inUse: 0, idle: 1000))
      #expect(returnUnneeded(pool, now: second + interval - 1) == 1)
      #expect(pool.statistics.idle == 1000)
      #expect(returnUnneeded(pool, now: second + interval) == nil)
      #expect(pool.statistics == .init(mapped: 1000, inUse: 0, idle: kept))
    }

    @Test func stacksThatAreUsedAgainWithinTheIntervalStay() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      give(try take(1000, from: pool), to: pool)
      var now = second
      _ = returnUnneeded(pool, now: now)
      for _ in 0..<5 {
        give(try take(700, from: pool), to: pool)
        now += interval
        #expect(returnUnneeded(pool, now: now) == interval)
        // 300 were not needed, and a few of them are kept.
        #expect(pool.statistics.idle == 700 + kept)
      }
      now += interval
      #expect(returnUnneeded(pool, now: now) == nil)
      #expect(pool.statistics.idle == kept)
    }

    @Test func theHottestAreKept() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let stacks = try take(1000, from: pool)
      give(stacks, to: pool)
      _ = returnUnneeded(pool, now: second)
      _ = returnUnneeded(pool, now: second + interval)
      #expect(try take(kept, from: pool) == stacks.suffix(kept).reversed())
      give(stacks.suffix(kept), to: pool)
    }

    @Test func aSliceIsSmall() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      give(try take(1000, from: pool), to: pool)
      _ = pool.returnUnneeded(now: second)
      #expect(pool.returnUnneeded(now: second + interval) == 0)
      #expect(pool.statistics.idle == 1000 - StackPool.sliceSize)
    }

    @Test func aBurstEndsTheReturning() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      give(try take(1000, from: pool), to: pool)
      _ = pool.returnUnneeded(now: second)
      _ = pool.returnUnneeded(now: second + interval)
      let stacks = try take(1000 - StackPool.sliceSize, from: pool)
      #expect(returnUnneeded(pool, now: second + interval) == nil)
      #expect(pool.statistics.idle == 0)
      give(stacks, to: pool)
    }

    @Test func aSettledPoolAsksForNothing() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      #expect(pool.mayHaveSurplus == false)
      for _ in 0..<3 { give(try take(kept, from: pool), to: pool) }
      #expect(pool.mayHaveSurplus == false)
      give(try take(kept + 1, from: pool), to: pool)
      #expect(pool.mayHaveSurplus)
      _ = returnUnneeded(pool, now: second)
      _ = returnUnneeded(pool, now: second + interval)
      #expect(pool.mayHaveSurplus == false)
    }

    @Test func returnedStacksReadAsZeroAndAreTakenAgain() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let stacks = try take(500, from: pool)
      for stack in stacks { (stack.bottom + 8192).storeBytes(of: 1, as: UInt8.self) }
      give(stacks, to: pool)
      _ = returnUnneeded(pool, now: second)
      _ = returnUnneeded(pool, now: second + interval)
      let again = try take(500, from: pool)
      #expect(Set(again) == Set(stacks))
      expectEqual(again.filter { ($0.bottom + 8192).load(as: UInt8.self) == 0 }.count, 500 - kept)
      expectEqual(again.allSatisfy { $0.pointee.base == pool.base(of: $0) }, true)
      give(again, to: pool)
    }

    @Test func aSleepingWorkerGivesUpItsOwn() throws {
      let size = 160 << 10
      let pool = try StackPool.shared(stackSize: size)
      try Scheduler.run(Configuration(parallelism: 1, stackSize: size)) {
        let gate = Condition()
        let fibers = (0..<60).map { _ in spawn { try gate.wait() } }
        Performer.waitUntilOthersAreParked()
        gate.signal()
        for fiber in fibers { try fiber.wait() }
        expectEqual(pool.statistics.inUse, 61)
        while Scheduler.current?.statistics.sleeps == 0 { try sleep(for: .milliseconds(1)) }
        // The loop's stack, and the stacks that a sleeping worker keeps.
        expectEqual(pool.statistics.inUse, 17)
      }
    }

    @Test func aWorkerThatNeverSleepsReturnsThemToo() throws {
      let size = 164 << 10
      let pool = try StackPool.shared(stackSize: size)
      pool.interval = 1
      try Scheduler.run(Configuration(parallelism: 1, stackSize: size)) {
        func burst(of count: Int) throws {
          let gate = Condition()
          let fibers = (0..<count).map { _ in spawn { try gate.wait() } }
          Performer.waitUntilOthersAreParked()
          gate.signal()
          for fiber in fibers { try fiber.wait() }
        }
        try burst(of: 2000)
        expectEqual(pool.statistics.mapped, 2001)
        for _ in 0..<200 { try burst(of: 200) }
        #expect(pool.statistics.idle < 400)
        #expect(Scheduler.current?.statistics.sleeps == 0)
      }
    }
  }
#endif
