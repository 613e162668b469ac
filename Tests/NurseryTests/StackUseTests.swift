import Nursery
import Testing

/// The use of stacks is reported for each line that spawns fibers.
@Suite(.disabled(if: isSanitized, "sanitized frames are not measured"))
struct StackUseTests {
  private static let stackSize = 128 << 10

  private func measuring(_ workers: Int) -> Configuration {
    Configuration(parallelism: workers, stackSize: Self.stackSize, clock: .virtual, measuresStacks: true)
  }

  private func stacks() throws -> Scheduler.StackStatistics { try #require(Scheduler.current).statistics.stacks }

  /// Uses this many kibibytes of the stack, and a few more for the first frames and the last.
  ///
  /// Buffers of more than a kibibyte may lie in the heap.
  @inline(never)
  @discardableResult
  private static func dive(_ kibibytes: Int, from start: UInt? = nil, atTheBottom body: () -> Void = {}) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
      for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index | 1) }
      let here = UInt(bitPattern: buffer.baseAddress)
      let start = start ?? here
      if start - here >= kibibytes << 10 {
        body()
        return 0
      }
      return dive(kibibytes, from: start, atTheBottom: body) + Int(buffer[kibibytes])
    }
  }

  private func isDive(_ depth: Int?, _ kibibytes: Int) -> Bool {
    guard let depth else { return false }
    return depth > kibibytes << 10 && depth < (kibibytes + 8) << 10
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

  @Test func stackUseOfACoroutineIsNotCountedForAFiber() throws {
    // A stack size that no other test uses, so that its pool is this test's.
    let stackSize = 512 << 10
    /// The slot of the stack that the address is in: reservations are aligned.
    func slot(of buffer: UnsafeMutableBufferPointer<UInt8>) -> UInt {
      UInt(bitPattern: buffer.baseAddress) / UInt(stackSize)
    }
    try runFibers(Configuration(parallelism: 1, stackSize: stackSize, measuresStacks: true)) {
      var stacks: Set<UInt> = []
      for _ in 0..<10 {
        let coroutine = try Coroutine<Void, Void, Int>(stackSize: stackSize) { _, _ in
          withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) {
            stacks.insert(slot(of: $0))
            return Self.dive(60)
          }
        }
        _ = try coroutine.resume()
      }
      // More fibers than the stacks that a worker keeps, so that some get stacks of coroutines.
      let shared = Log<Bool>()
      try withNursery { nursery in
        let known = Box(stacks)
        for _ in 0..<200 {
          nursery.goAsync {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) {
              shared.append(known.value.contains(slot(of: $0)))
            }
            Fiber.yield()
          }
        }
      }
      #expect(Set(shared.entries) == [false, true])
      let deepest = try self.stacks().uses.first?.deepest
      // Frames of unoptimised code differ with the processor.
      #expect(deepest ?? .max < 32 << 10)
    }
  }

  @Test func aStackThatIsNearlyFullIsMeasured() throws {
    try runFibers(measuring(1)) {
      _ = try goAsync { Self.dive(100) }.wait()
      #expect(try isDive(stacks().uses.first?.deepest, 100))
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

  /// In a process of its own, because the memory of all tests would count.
  @Test func measuringTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1, stackSize: 1 << 20, measuresStacks: true)) {
          try goAsync {}.wait()
          let before = residentKilobytes()
          for _ in 0..<50 { try goAsync {}.wait() }
          #expect(residentKilobytes() - before < 512)
        }
      }
    }
  }
}
