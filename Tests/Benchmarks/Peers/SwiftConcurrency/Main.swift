// The standard library's own concurrency as a peer. One file per workload, each listed here.
import Harness

let workloads: [Workload] = [
  yields, yieldCurve, [spawnWait], spawnMany, [timers], [cancelParked], skynet, fib, mergesort,
].flatMap { $0 }

@main struct SwiftConcurrencyBenchmarks {
  static func main() async throws {
    let command = Command(workloads: workloads.map { ($0.name, $0.workers) })
    guard let workload = workloads.first(where: { $0.name == command.workload }) else { return }
    // Off the main actor: coming back to it for each await would not be fair.
    try await Task.detached { try await workload.run() }.value
  }
}
