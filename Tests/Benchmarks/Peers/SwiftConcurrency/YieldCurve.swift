import Harness
import Synchronization

// Fair: only yields are timed, from when the last task has started until the first has done its share.
let yieldCurve = [100, 1000, 10_000, 100_000, 1_000_000].map { count in
  let tasks = size(count)
  return AsyncWorkload("yield-curve-\(count)", workers: 1) {
    let each = max(3, size(2_000_000) / tasks)
    report("yield-curve-\(count)", await curve(tasks, each), "ns")
  }
}

private func curve(_ tasks: Int, _ each: Int) async -> Double {
  let started = Counter()
  let times = Times()
  await withDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask {
        if started.add() == tasks { times.span.withLock { $0.start = .now } }
        while started.value < tasks { await Task.yield() }
        for _ in 0..<each { await Task.yield() }
        times.span.withLock { $0.end = $0.end ?? .now }
      }
    }
  }
  let (start, end) = times.span.withLock { $0 }
  guard let start, let end else { return 0 }
  return (end - start) / .nanoseconds(1) / Double(tasks * each)
}

private final class Times: Sendable {
  let span = Mutex<(start: ContinuousClock.Instant?, end: ContinuousClock.Instant?)>((nil, nil))
}
