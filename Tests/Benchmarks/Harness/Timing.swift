/// Runs `body` and returns the nanoseconds that each of its `count` items took.
public func nanoseconds(each count: Int, _ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  return elapsed(since: start, each: count)
}

/// The nanoseconds since `start`, divided by `count`.
public func elapsed(since start: ContinuousClock.Instant, each count: Int) -> Double {
  let duration = (ContinuousClock.now - start).components
  return (Double(duration.seconds) * 1e9 + Double(duration.attoseconds) / 1e9) / Double(count)
}

/// Runs `body` and returns the milliseconds it took.
public func milliseconds(_ body: () throws -> Void) rethrows -> Double { try nanoseconds(each: 1, body) / 1e6 }

/// Runs `body`, which may suspend, and returns the nanoseconds that each of its `count` items took.
public func nanoseconds(
  isolation: isolated (any Actor)? = #isolation, each count: Int, _ body: () async throws -> Void
) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return elapsed(since: start, each: count)
}
