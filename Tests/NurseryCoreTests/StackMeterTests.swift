import NurseryCore
import Testing

/// When a fiber's use of its stack is recorded.
@Suite(.disabled(if: isSanitized, "sanitized frames are not measured"))
struct StackMeterTests {
  @Test func aFiberIsMeasuredBeforeItsEndIsVisible() throws {
    try Scheduler.run(Configuration(parallelism: 1, measuresStacks: true)) {
      let scheduler = try #require(Scheduler.current)
      let measured = Log<Int>()
      for _ in 0..<10 {
        let fiber = spawn { Performer.yield() }
        fiber.body.whenEnded { measured.append(scheduler.statistics.stacks.uses.first?.fibers ?? 0) }
        try fiber.wait()
      }
      expectEqual(measured.entries, Array(1...10))
    }
  }
}
