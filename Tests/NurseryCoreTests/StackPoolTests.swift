import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if DEBUG
  @testable import NurseryCore
#else
  import NurseryCore
#endif

/// Stacks are reused, returned and counted.
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
        #expect(stack.top - stack.bottom > (64 << 10) - 4096)
        #expect(Int(bitPattern: stack.top) % 16 == 0)
        stack.bottom.assumingMemoryBound(to: UInt8.self).pointee = 1
      }
      for stack in stacks { pool.give(stack, count: 1) }
    }

    /// A frame of 64 KiB must not skip the guard and reach another stack, whichever of its bytes is touched first.
    @Test func theAddressesFor64KiBBelowEveryStackFault() async throws {
      try Guards.check(stackSize: 64 << 10)
      try Guards.check(stackSize: 16 << 10)
      await #expect(processExitsWith: .success) {
        cs_guards_use_mprotect()
        try Guards.check(stackSize: 32 << 10)
      }
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

#if DEBUG
  private enum Guards {
    /// Asks the kernel through a pipe, which fails with EFAULT instead of raising a signal.
    static func check(stackSize: Int) throws {
      let pool = try StackPool(stackSize: stackSize)
      let stacks = try (0..<8).map { _ in try pool.take() }
      var ends: [Int32] = [0, 0]
      try require(pipe(&ends) == 0)
      for stack in stacks {
        var byte: UInt8 = 0
        try require(cs_write(ends[1], stack.bottom, 1) == 1 && cs_read(ends[0], &byte, 1) == 1)
        for distance in stride(from: 1, through: 64 << 10, by: 1024) {
          try require(cs_write(ends[1], stack.bottom - distance, 1) == -Int(EFAULT))
        }
        // The memory is returned; the guard stays.
        pool.give(stack, count: 1)
      }
      pool.trim()
      for stack in stacks { try require(cs_write(ends[1], stack.pointee.base, 1) == -Int(EFAULT)) }
      ends.forEach { cs_close($0) }
    }

    private static func require(_ holds: Bool, line: Int = #line) throws {
      if !holds { throw Broken(line: line) }
    }

    private struct Broken: Error {
      let line: Int
    }
  }
#endif
