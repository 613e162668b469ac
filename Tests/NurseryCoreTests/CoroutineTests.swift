import NurseryCore
import Testing

/// Coroutines: values in both directions, errors, unwinding.
struct CoroutineTests {
  @Test func valuesPassInBothDirections() throws {
    let coroutine = try Coroutine<Int, Int, String> { yielder, first in
      var sum = first
      while sum < 100 { sum += try yielder.yield(sum) }
      return "enough: \(sum)"
    }
    guard case .yielded(40) = try coroutine.resume(40) else { return #expect(Bool(false)) }
    #expect(!coroutine.isFinished)
    guard case .yielded(50) = try coroutine.resume(10) else { return #expect(Bool(false)) }
    guard case .returned("enough: 120") = try coroutine.resume(70) else { return #expect(Bool(false)) }
    #expect(coroutine.isFinished)
  }

  @Test func theBodyStartsWithTheFirstResume() throws {
    let starts = Counter()
    let coroutine = try Coroutine<Void, Void, Void> { _, _ in starts.add() }
    #expect(starts.value == 0)
    _ = try coroutine.resume()
    #expect(starts.value == 1)
  }

  @Test func theBodysErrorIsThrownByResume() throws {
    let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
      try yielder.yield(1)
      throw Oops(1)
    }
    _ = try coroutine.resume()
    expectThrows(Oops(1)) { try coroutine.resume() }
    #expect(coroutine.isFinished)
  }

  @Test func droppingAnUnfinishedOneUnwindsIt() throws {
    let census = Census()
    let log = Log<String>()
    do {
      let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
        let member = census.make()
        defer { log.append("unwound \(member.number)") }
        do {
          while true { try yielder.yield(1) }
        } catch {
          log.append("\(type(of: error))")
          throw error
        }
      }
      for _ in 0..<3 { _ = try coroutine.resume() }
      #expect(census.count == 1)
    }
    #expect(census.count == 0)
    #expect(log.entries == ["CancellationError", "unwound 0"])
  }

  @Test func oneThatNeverStartedReleasesItsBodyOnly() throws {
    let census = Census()
    let starts = Counter()
    do {
      let member = census.make()
      _ = try Coroutine<Void, Void, Void> { _, _ in
        starts.add()
        withExtendedLifetime(member) {}
      }
    }
    #expect(census.count == 0)
    #expect(starts.value == 0)
  }

  @Test func valuesOfEveryShapePass() throws {
    let census = Census()
    do {
      let coroutine = try Coroutine<[20 of Int], Census.Member?, SIMD8<Double>> { yielder, first in
        let second = try yielder.yield(census.make(first[3]))
        _ = try yielder.yield(nil)
        return .init(repeating: Double(second[19]))
      }
      guard case .yielded(let member?) = try coroutine.resume(.init { $0 }) else { return #expect(Bool(false)) }
      #expect(member.number == 3)
      guard case .yielded(nil) = try coroutine.resume(.init { $0 * 2 }) else { return #expect(Bool(false)) }
      guard case .returned(let vector) = try coroutine.resume(.init { $0 }) else { return #expect(Bool(false)) }
      #expect(vector == .init(repeating: 38))
    }
    #expect(census.count == 0)
  }

  @Test func coroutinesNest() throws {
    func tree(_ depth: Int) throws -> [Int] {
      let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
        if depth > 0 {
          for value in try tree(depth - 1) { try yielder.yield(value) }
        }
        try yielder.yield(depth)
      }
      var values: [Int] = []
      while case .yielded(let value) = try coroutine.resume() { values.append(value) }
      return values
    }
    #expect(try tree(20) == Array(0...20))
  }

  /// Measures below `frames` frames of at least 512 bytes that no optimiser can merge.
  @inline(never)
  private func measureBelow(_ frames: Int, _ measure: () -> Int) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { bytes in
      touch(bytes)
      let result = frames == 0 ? measure() : measureBelow(frames - 1, measure)
      touch(bytes)
      return result
    }
  }

  @inline(never) @_optimize(none)
  private func touch(_ bytes: UnsafeMutableBufferPointer<UInt8>) { bytes[0] = 1 }

  @Test func theRemainingStackShrinksWithDepth() throws {
    let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in
      try yielder.yield(yielder.remainingStackSize)
      try yielder.yield(measureBelow(10) { yielder.remainingStackSize })
    }
    guard case .yielded(let first) = try coroutine.resume() else { return #expect(Bool(false)) }
    guard case .yielded(let second) = try coroutine.resume() else { return #expect(Bool(false)) }
    #expect(first > 0 && first < Configuration.defaultStackSize)
    #expect(second > 0 && second <= first - 5120)
  }

  @Test func theStorageIsTheOwners() throws {
    let coroutine = try Coroutine<Void, Void, Void> { _, _ in }
    #expect(coroutine.storage == nil)
    coroutine.storage = 5
    #expect(coroutine.storage as? Int == 5)
  }

  @Test(arguments: [0, -1, 1, 16 << 10 - 1, 1 << 31, Int.max]) func absurdStackSizesThrow(size: Int) {
    expectThrows(ConfigurationError.self) {
      try Coroutine<Void, Void, Void>(stackSize: size) { _, _ in }
    }
  }

  @Test func resumingAFinishedOneTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let coroutine = try Coroutine<Void, Void, Void> { _, _ in }
      _ = try coroutine.resume()
      _ = try coroutine.resume()
    }
    #expect(standardError(result).contains("has finished"))
  }

  @Test func resumingItselfTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var coroutine: Coroutine<Void, Void, Void>!
      coroutine = try Coroutine<Void, Void, Void> { _, _ in _ = try coroutine.resume() }
      _ = try coroutine.resume()
    }
    #expect(standardError(result).contains("is running"))
  }

  @Test func yieldingOutsideTheBodyTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var escaped: Coroutine<Void, Void, Void>.Yielder?
      let coroutine = try Coroutine<Void, Void, Void> { yielder, _ in
        escaped = yielder
        try yielder.yield(())
      }
      _ = try coroutine.resume()
      try escaped!.yield(())
    }
    #expect(standardError(result).contains("yield() outside the body"))
  }
}
