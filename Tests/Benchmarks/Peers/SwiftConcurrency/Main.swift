// The standard library's own concurrency as a peer. One file per workload, each listed here.
import Harness

let workloads: [AsyncWorkload] = [
  yields, yieldCurve, [spawnWait], spawnMany, [cancelParked], skynet, fib, mergesort,
  [parked, asyncCalls, awaitedGroup],
].flatMap { $0 }

@main struct SwiftConcurrencyBenchmarks {
  static func main() async throws {
    try await AsyncWorkload.main(workloads)
  }
}
