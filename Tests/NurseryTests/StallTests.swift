import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The monitor names what computes for long.
///
/// What computes here does so until it has been named.
@Suite(.timeLimit(.minutes(2))) struct StallTests {
  private final class Told<Report: Sendable>: Sendable {
    private let reports = Guarded<[Report]>([])
    func add(_ report: Report) { reports.withLock { $0.append(report) } }
    var all: [Report] { reports.withLock { $0 } }
  }

  @Test(arguments: [1, 2, 3]) func aStallIsNamedWithItsLineAndHowManyWait(workers: Int) throws {
    let told = Told<Scheduler.Stall>()
    let configuration = Configuration(
      parallelism: workers, timeSlice: .milliseconds(1), onStall: { told.add($0) })
    let line = #line + 5
    try runFibers(configuration) {
      let isBegun = Condition()
      try withNursery("import") { nursery in
        for _ in 0..<3 { nursery.goAsync { try isBegun.wait() } }
        nursery.goAsync("parser") {
          // On one worker the three wait here already; on several they may have begun elsewhere.
          isBegun.signal()
          while !told.all.contains(where: { $0.fiber == "fiber \"parser\"" }) { sched_yield() }
        }
      }
    }
    let stall = try #require(told.all.first { $0.fiber == "fiber \"parser\"" })
    expectEqual(stall.nurseryPath, "import")
    #expect(stall.site.description.hasSuffix("StallTests.swift:\(line)"))
    #expect(stall.duration >= .milliseconds(1))
    if workers == 1 { expectEqual(stall.begunWaiting, 3) }
    #expect(stall.description.contains("has computed for"))
  }

  @Test func aStallIsToldOnce() throws {
    let told = Told<Scheduler.Stall>()
    try runFibers(Configuration(parallelism: 2, timeSlice: .microseconds(100), onStall: { told.add($0) })) {
      try withNursery { nursery in
        nursery.goAsync("first") {
          while told.all.isEmpty { sched_yield() }
          // Twenty times as long.
          for _ in 0..<20 { usleep(100) }
        }
      }
    }
    #expect(told.all.count { $0.fiber == "fiber \"first\"" } == 1)
  }

  @Test func theBodyMayStallToo() throws {
    let told = Told<Scheduler.Stall>()
    try runFibers(Configuration(parallelism: 1, timeSlice: .milliseconds(1), onStall: { told.add($0) })) {
      while told.all.isEmpty { sched_yield() }
    }
    expectEqual(told.all.first?.fiber, "the root fiber")
  }

  @Test func readyOperationsCountAsProgress() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let channel = Channel<Int>(.bounded(1))
      let before = Scheduler.current!.statistics.switches
      for _ in 0..<1000 {
        try channel.send(1)
        _ = try channel.receive()
      }
      #expect(Scheduler.current!.statistics.switches > before)
    }
  }

  @Test func fibersThatShareAWorkerWhileAnotherSleepsAreNamedOnceALine() throws {
    let told = Told<Scheduler.Imbalance>()
    try runFibers(Configuration(parallelism: 2, onImbalance: { told.add($0) })) {
      // The second worker exists, and sleeps.
      try withNursery { nursery in nursery.goAsync(placement: .spread) {} }
      try withNursery { nursery in
        let gate = Condition()
        let begun = Counter()
        let isOver = Counter()
        for _ in 0..<8 {
          nursery.goAsync {
            begun.add()
            try gate.wait()
            while isOver.value == 0 {
              let end = ContinuousClock.now + .microseconds(500)
              while ContinuousClock.now < end {}
              Fiber.yield()
            }
          }
        }
        while begun.value < 8 { Fiber.yield() }
        gate.signal()
        while told.all.isEmpty { Fiber.yield() }
        isOver.add()
      }
    }
    expectEqual(told.all.count, 1)
    let imbalance = try #require(told.all.first)
    #expect((2...8).contains(imbalance.fibers))
    expectEqual(imbalance.workers, 2)
    #expect(imbalance.description.hasSuffix("of 2 workers; write placement: .spread, or nursery.workers"))
    #expect(imbalance.site.description.hasPrefix("NurseryTests/StallTests.swift:"))
  }
}
