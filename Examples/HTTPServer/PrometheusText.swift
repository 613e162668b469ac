import Nursery

/// A scheduler's figures in Prometheus's text format, version 0.0.4.
struct PrometheusText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"
  /// The bounds of the histograms' buckets, in seconds; Prometheus wants the same in every answer.
  private static let bounds = [
    "0.000001", "0.00001", "0.0001", "0.0005", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10",
  ]

  private(set) var text = ""

  init(_ metrics: SchedulerMetrics) {
    let statistics = metrics.statistics
    add("fibers_alive", "gauge", "Fibers that have not ended.", statistics.fibersAlive)
    add("fibers_queued", "gauge", "Fibers that can run and wait for a worker.", statistics.fibersQueued)
    add("workers", "gauge", "Threads that run fibers.", statistics.workers)
    add("fibers_spawned_total", "counter", "Fibers spawned.", statistics.fibersSpawned)
    add("switches_total", "counter", "Switches from one fiber to another.", statistics.switches)
    add("steals_total", "counter", "Times a worker has taken fibers over from another.", statistics.steals)
    add("stalls_total", "counter", "Times a fiber has computed for longer than the time slice.", metrics.stalls)
    add("queue_delay_seconds", "From a wakeup until the fiber ran.", metrics.queueDelay)
    add("run_length_seconds", "From a switch to a fiber until it waited or ended.", metrics.runLength)
    add("blocking_wait_seconds", "How long calls that block have waited for a thread.", metrics.blockingWait)
  }

  private mutating func add(_ name: String, _ type: String, _ help: String) {
    text += "# HELP nursery_\(name) \(help)\n# TYPE nursery_\(name) \(type)\n"
  }

  private mutating func add(_ name: String, _ type: String, _ help: String, _ value: Int) {
    add(name, type, help)
    text += "nursery_\(name) \(value)\n"
  }

  private mutating func add(_ name: String, _ help: String, _ histogram: DurationHistogram) {
    add(name, "histogram", help)
    for bound in Self.bounds {
      text += "nursery_\(name)_bucket{le=\"\(bound)\"} \(histogram.count(below: .seconds(Double(bound)!)))\n"
    }
    text += "nursery_\(name)_bucket{le=\"+Inf\"} \(histogram.count)\n"
    text += "nursery_\(name)_sum \(histogram.sum / .seconds(1))\n"
    text += "nursery_\(name)_count \(histogram.count)\n"
  }
}

/// Has the scheduler measure itself; `Scheduler.metrics` is read at each request.
struct MetricsOn: SchedulerObserver {}
