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
}
