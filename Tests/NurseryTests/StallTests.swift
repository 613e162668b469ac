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

/// The monitor reports fibers that compute for long.
///
/// Each fiber here computes until it has been reported.
@Suite(.timeLimit(.minutes(2))) struct StallTests {
  private final class Reports<Report: Sendable>: Sendable {
    private let entries = Guarded<[Report]>([])
    func add(_ report: Report) { entries.withLock { $0.append(report) } }
    var all: [Report] { entries.withLock { $0 } }
  }

  @Test(arguments: [1, 2, 3]) func aStallIsReportedWithItsLineAndTheNumberOfWaitingFibers(workers: Int) throws {
    let reports = Reports<Scheduler.Stall>()
    let configuration = Configuration(
      parallelism: workers, timeSlice: .milliseconds(1), onStall: { reports.add($0) })
    let begin = ContinuousClock.now
    let line = #line + 5
    try runFibers(configuration) {
      let isBegun = Condition()
      try withNursery("import") { nursery in
        for _ in 0..<3 { nursery.goAsync { try isBegun.wait() } }
        nursery.goAsync("parser") {
          // With one worker, the three wait on it already. With several, they may have begun on another.
          isBegun.signal()
          while !reports.all.contains(where: { $0.fiber == "fiber \"parser\"" }) { sched_yield() }
        }
      }
    }
    let stall = try #require(reports.all.first { $0.fiber == "fiber \"parser\"" })
    expectEqual(stall.nurseryPath, "import")
    #expect(stall.site.description.hasSuffix("StallTests.swift:\(line)"))
    #expect(stall.duration >= .milliseconds(1))
    #expect(reports.all.allSatisfy { $0.duration <= ContinuousClock.now - begin })
    if workers == 1 { expectEqual(stall.begunWaiting, 3) }
    #expect(stall.description.contains("has computed for"))
  }

  @Test func aStallIsReportedOnce() throws {
    let reports = Reports<Scheduler.Stall>()
    try runFibers(Configuration(parallelism: 2, timeSlice: .microseconds(100), onStall: { reports.add($0) })) {
      try withNursery { nursery in
        nursery.goAsync("first") {
          while reports.all.isEmpty { sched_yield() }
          // Computes for twenty time slices more.
          for _ in 0..<20 { usleep(100) }
        }
      }
    }
    #expect(reports.all.count { $0.fiber == "fiber \"first\"" } == 1)
  }

  @Test func aStallOfTheBodyIsReported() throws {
    let reports = Reports<Scheduler.Stall>()
    try runFibers(Configuration(parallelism: 1, timeSlice: .milliseconds(1), onStall: { reports.add($0) })) {
      while reports.all.isEmpty { sched_yield() }
    }
    expectEqual(reports.all.first?.fiber, "the root fiber")
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

  @Test func fibersThatShareAWorkerWhileAnotherSleepsAreReportedOncePerLine() throws {
    let reports = Reports<Scheduler.Imbalance>()
    try runFibers(Configuration(parallelism: 2, onImbalance: { reports.add($0) })) {
      // Now the second worker exists, and sleeps.
      try withNursery { nursery in nursery.goAsync(placement: .spread) {} }
      // On a busy machine some may begin on the second worker, which does not sleep then: they end, and others begin.
      while reports.all.isEmpty {
        try withNursery { nursery in
          let gate = Condition()
          let threads = Guarded<[UInt]>([])
          let isOver = Counter()
          for _ in 0..<8 {
            nursery.goAsync {
              threads.withLock { $0.append(threadNumber()) }
              try gate.wait()
              while isOver.value == 0 {
                let end = ContinuousClock.now + .microseconds(500)
                while ContinuousClock.now < end {}
                Fiber.yield()
              }
            }
          }
          while threads.withLock({ $0.count }) < 8 { Fiber.yield() }
          gate.signal()
          if Set(threads.withLock { $0 }) == [threadNumber()] {
            while reports.all.isEmpty { Fiber.yield() }
          }
          isOver.add()
        }
      }
    }
    expectEqual(reports.all.count, 1)
    let imbalance = try #require(reports.all.first)
    #expect((2...8).contains(imbalance.fibers))
    expectEqual(imbalance.workers, 2)
    #expect(imbalance.description.hasSuffix("of 2 workers; write placement: .spread, or nursery.workers"))
    #expect(imbalance.site.description.hasPrefix("NurseryTests/StallTests.swift:"))
  }
}
