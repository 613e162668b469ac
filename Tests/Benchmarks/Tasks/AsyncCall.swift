import Harness
import Nursery

// Fair: a fiber runs a function that does not suspend, where the peer's task awaits the value of a new one.
let asyncCalls = AsyncWorkload("async-call", workers: 1) {
  let calls = size(100_000)
  try await call(calls / 10)
  report("async-call", try await nanoseconds(each: calls) { try await call(calls) }, "ns")
}

private func call(_ calls: Int) async throws {
  let sum = try await withNursery { _ in
    var sum = 0
    for i in 0..<calls { sum &+= try runAsync { await trivial(i) } }
    return sum
  }
  require(sum == calls * (calls - 1) / 2, "a result was lost")
}

@inline(never) private func trivial(_ i: Int) async -> Int { i }
