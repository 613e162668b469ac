import Harness
import Nursery

// Fair: an awaited scope with one child that does not wait, as the peer's task group.
let awaitedNursery = AsyncWorkload("await-nursery", workers: 2) {
  let calls = size(100_000)
  try await open(calls / 10)
  report("await-nursery", try await nanoseconds(each: calls) { try await open(calls) }, "ns")
}

private func open(_ calls: Int) async throws {
  var sum = 0
  for i in 0..<calls {
    sum &+= try await withNursery { nursery in try nursery.goAsync { i }.wait() }
  }
  require(sum == calls * (calls - 1) / 2, "a result was lost")
}
