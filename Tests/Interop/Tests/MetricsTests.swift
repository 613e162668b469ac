import Metrics
import MetricsTestKit
import Nursery
import Testing

/// swift-metrics: a daemon reports what the scheduler counts.
struct MetricsTests {
  /// Records the statistics until the nursery ends.
  func report(in nursery: Nursery, every interval: Duration, to factory: any MetricsFactory) {
    let fibers = Gauge(label: "fibers_alive", factory: factory)
    let switches = Gauge(label: "fiber_switches", factory: factory)
    nursery.goAsync("metrics", daemon: true) {
      while let statistics = Scheduler.current?.statistics {
        fibers.record(statistics.fibersAlive)
        switches.record(statistics.switches)
        try sleep(for: interval)
      }
    }
  }

  @Test func aDaemonRecordsTheStatisticsOfTheScheduler() throws {
    let metrics = TestMetrics()
    try withNursery("", Configuration(parallelism: 1, clock: .virtual)) { nursery in
      report(in: nursery, every: .seconds(1), to: metrics)
      for _ in 0..<5 { nursery.goAsync { try sleep(for: .seconds(10)) } }
    }
    let fibers = try metrics.expectGauge("fibers_alive")
    #expect(fibers.values.count >= 10)
    #expect(fibers.values.max()! >= 6)
    #expect(try metrics.expectGauge("fiber_switches").lastValue! > 10)
  }

  /// Brings what the scheduler measures into swift-metrics; a server would do so from time to time, with the difference
  /// of two readings (`DurationHistogram.since`).
  final class Bridge: SchedulerObserver {
    private let steals: Counter
    private let delay: Timer

    init(_ factory: any MetricsFactory) {
      steals = Counter(label: "fiber_steals", factory: factory)
      delay = Timer(label: "fiber_queue_delay", factory: factory)
    }

    func schedulerDidEnd(_ metrics: SchedulerMetrics) {
      steals.increment(by: metrics.statistics.steals)
      for bucket in metrics.queueDelay.buckets {
        for _ in 0..<bucket.count { delay.record(duration: bucket.upperBound) }
      }
    }
  }

  @Test func anObserverRecordsWhatTheSchedulerMeasures() throws {
    let metrics = TestMetrics()
    try withNursery("", Configuration(parallelism: 1, clock: .virtual, observer: Bridge(metrics))) { nursery in
      for _ in 0..<5 { nursery.goAsync { try sleep(for: .seconds(10)) } }
    }
    #expect(try metrics.expectTimer("fiber_queue_delay").values.count >= 10)
    #expect(try metrics.expectCounter("fiber_steals").totalValue == 0)
  }
}
