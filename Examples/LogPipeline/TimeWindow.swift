import Nursery

/// The requests of a stretch of time.
package struct TimeWindow: Sendable {
  package let start: WallTime
  package private(set) var requests = 0
  /// How many answers had a status of 500 or more.
  package private(set) var errors = 0
  private var hosts: [String: Int] = [:]
  private var latencies = Histogram()

  init(start: WallTime) { self.start = start }

  mutating func add(_ entry: AccessEntry) {
    requests += 1
    if entry.status >= 500 { errors += 1 }
    hosts[entry.host, default: 0] += 1
    if let latency = entry.latency { latencies.add(latency) }
  }

  /// The hosts with most requests, the first one with the most.
  package func topTalkers(_ count: Int) -> [(host: String, requests: Int)] {
    hosts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map { (host: $0.key, requests: $0.value) }
  }

  /// The latency that this part of the answers did not exceed; nil if the log has no latencies.
  package func latency(_ part: Double) -> Duration? { latencies.count == 0 ? nil : latencies.percentile(part) }
}
