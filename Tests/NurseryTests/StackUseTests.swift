import Nursery
import Testing

/// How much of its stack a fiber has used is told for each line that spawns fibers.
@Suite(.disabled(if: isSanitized, "sanitized frames are not measured"))
struct StackUseTests {
  private static let stackSize = 128 << 10

  private func measuring(_ workers: Int) -> Configuration {
    Configuration(parallelism: workers, stackSize: Self.stackSize, clock: .virtual, measuresStacks: true)
  }

  private func stacks() throws -> Scheduler.StackStatistics { try #require(Scheduler.current).statistics.stacks }

  /// Uses so many kibibytes of the stack, and some more for the frames.
  @inline(never)
  @discardableResult
  private static func dive(_ kibibytes: Int, atTheBottom body: () -> Void = {}) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
      for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: kibibytes | 1) }
      if kibibytes == 1 { body() }
      return (kibibytes > 1 ? dive(kibibytes - 1, atTheBottom: body) : 0) + Int(buffer[kibibytes])
    }
  }

  /// Whether a measured depth is that of a dive; frames of debug builds are large.
  private func isDive(_ depth: Int?, _ kibibytes: Int) -> Bool {
    guard let depth else { return false }
    return depth > kibibytes << 10 && depth < kibibytes * 1600 + 6000
  }

  @Test(arguments: parallelisms) func eachSiteHasItsDeepestUse(workers: Int) throws {
    try runFibers(measuring(workers)) {
      let deepLine = #line + 4
      let shallowLine = #line + 5
      try withNursery { nursery in
        for number in 0..<100 {
          let deep = nursery.goAsync { Self.dive(number % 2 == 0 ? 40 : 10) }
          _ = try deep.wait()
          nursery.goAsync { Self.dive(number % 8 + 1) { Fiber.yield() } }
        }
      }
      let uses = try stacks().uses
      expectEqual(uses.map(\.site.line), [deepLine, shallowLine])
      expectEqual(uses.map(\.fibers), [100, 100])
      #expect(isDive(uses.first?.deepest, 40))
      #expect(isDive(uses.last?.deepest, 8))
      expectEqual(uses.first?.site.fileID, #fileID)
    }
  }

  @Test func aFiberIsMeasuredBeforeAnybodyKnowsOfItsEnd() throws {
    try runFibers(measuring(2)) {
      for number in 1...500 {
        _ = try goAsync { Self.dive(1) }.wait()
        try expectEqual(stacks().uses.first?.fibers, number)
      }
    }
  }

  @Test func whatACoroutineLeavesIsNobodysUse() throws {
    try runFibers(measuring(1)) {
      var stacks: Set<UnsafeRawPointer> = []
      for _ in 0..<10 {
        let coroutine = try Coroutine<Void, Void, Int>(stackSize: Self.stackSize) { _, _ in
          withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) {
            stacks.insert(slot(of: $0))
            return Self.dive(60)
          }
        }
        _ = try coroutine.resume()
      }
      // More fibers than a worker keeps stacks, so that some get the coroutines'.
      let shared = Log<Bool>()
      try withNursery { nursery in
        let known = Box(stacks)
        for _ in 0..<200 {
          nursery.goAsync {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) {
              shared.append(known.value.contains(slot(of: $0)))
            }
            Fiber.yield()
          }
        }
      }
      #expect(shared.entries.contains(true))
      let deepest = try self.stacks().uses.first?.deepest
      #expect(deepest ?? .max < 16 << 10)
    }
  }

  @Test func aStackThatIsNearlyFullIsMeasured() throws {
    try runFibers(measuring(1)) {
      try goAsync {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 100 << 10) { buffer in
          for index in buffer.indices { buffer[index] = 1 }
        }
      }.wait()
      let deepest = try #require(try stacks().uses.first?.deepest)
      #expect(deepest > 100 << 10 && deepest < 108 << 10)
      #expect(try stacks().advice.first?.contains("raise it with Configuration(stackSize: 262144)") == true)
    }
  }

  @Test func nothingIsMeasuredUnlessAskedFor() throws {
    #expect(Configuration().measuresStacks == false)
    try runFibers(Configuration(parallelism: 1, stackSize: Self.stackSize)) {
      _ = try goAsync { Self.dive(20) }.wait()
      #expect(try stacks().uses.isEmpty)
      #expect(try stacks().advice.isEmpty)
    }
  }

  @Test func measuringTakesNoMemory() throws {
    try runFibers(Configuration(parallelism: 1, stackSize: 1 << 20, measuresStacks: true)) {
      try goAsync {}.wait()
      let before = residentKilobytes()
      for _ in 0..<50 { try goAsync {}.wait() }
      #expect(residentKilobytes() - before < 512)
    }
  }
}

/// The slot of the stack that the address is in: reservations are aligned.
private func slot(of buffer: UnsafeMutableBufferPointer<UInt8>) -> UnsafeRawPointer {
  UnsafeRawPointer(bitPattern: UInt(bitPattern: buffer.baseAddress) & ~(128 << 10 - 1))!
}
