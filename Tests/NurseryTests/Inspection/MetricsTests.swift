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

/// What a scheduler with an observer measures of itself.
struct MetricsTests {
  private final class Observer: SchedulerObserver {
    let begun = Guarded<[Scheduler]>([])
    let stalls = Guarded<[Scheduler.Stall]>([])
    let ended = Guarded<[SchedulerMetrics]>([])

    func schedulerDidBegin(_ scheduler: Scheduler) { begun.withLock { $0.append(scheduler) } }
    func schedulerDidStall(_ stall: Scheduler.Stall) { stalls.withLock { $0.append(stall) } }
    func schedulerDidEnd(_ metrics: SchedulerMetrics) { ended.withLock { $0.append(metrics) } }
  }

  @Test func withoutAnObserverNothingIsMeasured() throws {
    try runFibers(Configuration(parallelism: 1)) { #expect(Scheduler.current?.metrics == nil) }
  }

  @Test func anObserverLearnsOfTheBeginningAndTheEndAndReadsTheFiguresAfterwards() throws {
    let observer = Observer()
    try runFibers(Configuration(parallelism: 1, clock: .virtual, observer: observer)) {
      expectEqual(observer.begun.withLock { $0.count }, 1)
      goAsync { try sleep(for: .seconds(1)) }
      expectEqual(observer.ended.withLock { $0.count }, 0)
    }
    let ended = observer.ended.withLock { $0 }
    expectEqual(ended.count, 1)
    let scheduler = try #require(observer.begun.withLock { $0.first })
    expectEqual(scheduler.metrics?.runLength, ended[0].runLength)
    expectEqual(ended[0].statistics.fibersSpawned, 1)
  }

  /// Each of ten fibers is delayed once as a new one, and once for each yield.
  @Test(arguments: parallelisms) func everyStretchOfAFiberIsCountedOnce(workers: Int) throws {
    let observer = Observer()
    try runFibers(Configuration(parallelism: workers, observer: observer)) {
      try withNursery { nursery in
        for _ in 0..<10 { nursery.goAsync { for _ in 0..<100 { Fiber.yield() } } }
      }
    }
    let metrics = try #require(observer.ended.withLock { $0.first })
    // A yield to no other fiber is no end of a stretch.
    #expect(metrics.runLength.count >= 10)
    #expect(metrics.queueDelay.count >= 10)
    #expect(metrics.runLength.count <= metrics.statistics.switches + 10)
    #expect(abs(metrics.runLength.count - metrics.queueDelay.count) <= 2)
  }

  @Test func aFiberThatComputesIsTheRunLengthAndDelaysTheNext() throws {
    let observer = Observer()
    try runFibers(Configuration(parallelism: 1, observer: observer)) {
      try withNursery { nursery in
        nursery.goAsync { usleep(3000) }
        nursery.goAsync {}
      }
    }
    let metrics = try #require(observer.ended.withLock { $0.first })
    #expect(metrics.runLength.quantile(1)! >= .milliseconds(3))
    #expect(metrics.queueDelay.quantile(1)! >= .milliseconds(3))
    #expect(metrics.runLength.sum >= .milliseconds(3))
  }

  @Test func inVirtualTimeNothingIsDelayed() throws {
    let observer = Observer()
    try runFibers(Configuration(parallelism: 1, clock: .virtual, observer: observer)) {
      try withNursery { nursery in
        for _ in 0..<10 { nursery.goAsync { try sleep(for: .seconds(1)) } }
      }
    }
    let metrics = try #require(observer.ended.withLock { $0.first })
    expectEqual(metrics.queueDelay.sum, .zero)
    expectEqual(metrics.runLength.sum, .zero)
    #expect(metrics.queueDelay.count >= 20)
  }

  @Test func eachBlockingCallHasWaitedForAThreadOnce() throws {
    let observer = Observer()
    try runFibers(Configuration(parallelism: 1, observer: observer)) {
      for _ in 0..<3 { try blocking {} }
    }
    expectEqual(observer.ended.withLock { $0.first?.blockingWait.count }, 3)
  }

  @Test(arguments: parallelisms) func aStallIsToldAndCounted(workers: Int) throws {
    let observer = Observer()
    try runFibers(
      Configuration(parallelism: workers, timeSlice: .milliseconds(1), observer: observer)
    ) {
      goAsync("parser") {
        // Once for each stretch, which another fiber may have begun.
        while !observer.stalls.withLock({ $0.contains { $0.fiber == "fiber \"parser\"" } }) {
          let end = ContinuousClock.now + .milliseconds(20)
          while ContinuousClock.now < end { sched_yield() }
          Fiber.yield()
        }
      }
    }
    #expect(observer.stalls.withLock { $0.contains { $0.fiber == "fiber \"parser\"" } })
    #expect(observer.ended.withLock { $0.first?.stalls ?? 0 } >= 1)
  }

  @Test func aDeterministicRunIsTheSameWithAnObserver() throws {
    func order(_ observer: Observer?) throws -> [Int] {
      var configuration = Configuration.deterministic(seed: 7)
      configuration.observer = observer
      let numbers = Guarded<[Int]>([])
      try runFibers(configuration) {
        try withNursery { nursery in
          for number in 1...9 {
            nursery.goAsync {
              Fiber.yield()
              numbers.withLock { $0.append(number) }
            }
          }
        }
      }
      return numbers.withLock { $0 }
    }
    expectEqual(try order(nil), try order(Observer()))
  }
}
