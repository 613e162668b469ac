import Testing

#if DEBUG
  @testable import NurseryCore
#else
  import NurseryCore
#endif

/// Stacks are reused, given back and counted.
struct StackPoolTests {
  @Test(arguments: [0, -1, 1, (16 << 10) - 1, (1 << 30) + 1, Int.max, Int.min]) func absurdSizesThrow(size: Int) {
    let error = expectThrows(ConfigurationError.self) { try StackPool(stackSize: size) }
    #expect(error?.description.contains("stackSize is \(size) bytes") == true)
  }

  @Test func sizesAreRoundedUpToPages() throws {
    #expect(try StackPool(stackSize: 20_000).stackSize == 20_480)
    #expect(try StackPool(stackSize: 65_536).stackSize == 65_536)
  }

  @Test func anEmptyPoolHasNothing() throws {
    let pool = try StackPool(stackSize: 64 << 10)
    pool.trim()
    #expect(pool.statistics.mapped == 0)
    #expect(pool.statistics.inUse == 0)
  }

  #if DEBUG
    @Test func theHottestStackIsReusedFirst() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let first = try pool.take()
      let second = try pool.take()
      #expect(first != second)
      #expect(pool.statistics == .init(mapped: 2, inUse: 2))
      pool.give(first, count: 1)
      pool.give(second, count: 1)
      #expect(pool.statistics == .init(mapped: 2, inUse: 0, idle: 2))
      #expect(try pool.take() == second)
      #expect(try pool.take() == first)
      pool.give(first, count: 1)
      pool.give(second, count: 1)
    }

    @Test func aTrimmedPoolFindsItsStacksAgain() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let stacks = try (0..<100).map { _ in try pool.take() }
      for stack in stacks { pool.give(stack, count: 1) }
      pool.trim(keeping: 10)
      let idle = StackPool.returnsMemory ? 10 : 100
      #expect(pool.statistics == .init(mapped: 100, inUse: 0, idle: idle))
      let again = try (0..<100).map { _ in try pool.take() }
      #expect(Set(again) == Set(stacks))
      #expect(pool.statistics == .init(mapped: 100, inUse: 100))
      for stack in again { pool.give(stack, count: 1) }
    }

    @Test func aChainGoesBackInTheOrderOfItsLinks() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let stacks = try (0..<200).map { _ in try pool.take() }
      for (stack, next) in zip(stacks, stacks.dropFirst()) { stack.pointee.nextFree = next }
      pool.give(stacks[0], count: 200)
      #expect(try (0..<200).map { _ in try pool.take() } == stacks)
      for stack in stacks { pool.give(stack, count: 1) }
    }

    @Test func everyStackHasRoomDownToItsGuard() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      var stacks: [StackRef] = []
      for _ in 0..<40 {
        let stack = try pool.take()
        stacks.append(stack)
        #expect(stack.top - stack.pointee.base > (64 << 10) - 4096)
        #expect(Int(bitPattern: stack.top) % 16 == 0)
        let bottom = (stack.pointee.base + 4096).assumingMemoryBound(to: UInt8.self)
        bottom.pointee = 1
      }
      for stack in stacks { pool.give(stack, count: 1) }
    }

    @Test func theStacksAreColoured() throws {
      let pool = try StackPool(stackSize: 64 << 10)
      let stacks = try (0..<32).map { _ in try pool.take() }
      expectEqual(Set(stacks.map { Int(bitPattern: $0.top) % 4096 }).count, 16)
      for stack in stacks { pool.give(stack, count: 1) }
    }

    @Test(arguments: parallelisms) func nothingIsInUseAfterARun(workers: Int) throws {
      let size = 128 << 10 + workers << 12
      let pool = try StackPool.shared(stackSize: size)
      for _ in 0..<3 {
        try Scheduler.run(Configuration(parallelism: workers, stackSize: size)) {
          let fibers = (0..<500).map { number in spawn { for _ in 0..<number % 5 { Performer.yield() } } }
          for fiber in fibers { try fiber.wait() }
        }
        #expect(pool.statistics.inUse == 0)
        #expect(pool.statistics.mapped <= 502)
      }
      _ = try? Scheduler.run(Configuration(parallelism: workers, stackSize: size)) {
        spawn { throw Oops() }
        throw Oops()
      }
      #expect(pool.statistics.inUse == 0)
    }
  #endif
}
