import Nursery
import Testing

/// A stack that overflows is named.
@Suite(.disabled(if: isSanitized, "sanitizers report the fault themselves"))
struct OverflowTests {
  @inline(never)
  private static func recurse(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { numbers in
      numbers[0] = depth
      return recurse(depth + 1) + numbers[0]
    }
  }

  @Test func theMessageNamesTheFiberItsNurseryAndTheSize() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try runFibers(Configuration(parallelism: 1, stackSize: 128 << 10)) {
        try withNursery("outer") { _ in
          try withNursery("inner") { nursery in
            _ = nursery.goAsync("diver") { Self.recurse(0) }
          }
        }
      }
    }
    let text = standardError(result)
    #expect(text.contains("stack overflow"))
    #expect(text.contains("fiber \"diver\""))
    #expect(text.contains("outer/inner"))
    #expect(text.contains("131072 bytes"))
    #expect(text.contains("stackSize: 524288"))
  }

  @Test func onAnyWorkerToo() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try runFibers(Configuration(parallelism: 3)) {
        try withNursery("pool") { nursery in
          for number in 0..<50 {
            nursery.goAsync("worker \(number)") { () -> Int in
              for _ in 0..<number { Fiber.yield() }
              return number == 49 ? Self.recurse(0) : 0
            }
          }
        }
      }
    }
    #expect(standardError(result).contains("stack overflow in fiber \"worker 49\" in nursery \"pool\""))
  }

  @Test func aCoroutinesOverflowIsOneToo() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let coroutine = try Coroutine<Void, Int, Int> { _, _ in Self.recurse(0) }
      _ = try coroutine.resume()
    }
    #expect(standardError(result).contains("stack overflow in a coroutine"))
  }
}
