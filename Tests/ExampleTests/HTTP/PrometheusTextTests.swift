import Nursery
import TestSupport
import Testing

@testable import HTTPServer

/// The figures that http-server publishes with --metrics.
struct PrometheusTextTests {
  private func lines() throws -> [Substring] {
    try runFibers(Configuration(parallelism: 1, clock: .virtual, observer: MetricsOn())) {
      try withNursery { nursery in
        for _ in 0..<10 { nursery.goAsync { try sleep(for: .seconds(1)) } }
      }
      return PrometheusText(Scheduler.current!.metrics!).text.split(separator: "\n")
    }
  }

  @Test func everyFigureHasATypeAndANumber() throws {
    let lines = try lines()
    for line in lines where !line.hasPrefix("#") {
      let parts = line.split(separator: " ")
      #expect(parts.count == 2 && Double(parts[1]) != nil, "\(line)")
      let name = String(parts[0].prefix { $0 != "{" })
      let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
      #expect(lines.contains { $0.hasPrefix("# TYPE \(family) ") }, "\(line)")
    }
    #expect(lines.contains("nursery_fibers_spawned_total 10"))
  }

  @Test func aHistogramsBucketsGrowUpToItsCount() throws {
    let lines = try lines()
    let counts = lines.filter { $0.hasPrefix("nursery_queue_delay_seconds_bucket") }
      .map { Int($0.split(separator: " ")[1])! }
    #expect(counts.count == 14)
    expectEqual(counts.sorted(), counts)
    #expect(lines.contains("nursery_queue_delay_seconds_count \(counts.last!)"))
    #expect(counts.last! >= 20)
  }
}
