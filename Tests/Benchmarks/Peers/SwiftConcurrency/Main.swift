// The standard library's own concurrency as a peer. One file per workload, each listed here.
import Harness

struct Workload {
  let name: String
  let workers: Int
  let run: @Sendable () async -> Void
}

let workloads = [spawnWait]

@main struct SwiftConcurrencyBenchmarks {
  static func main() async {
    let command = Command(workloads: workloads.map { ($0.name, $0.workers) })
    guard let workload = workloads.first(where: { $0.name == command.workload }) else { return }
    // Off the main actor: coming back to it for each await would not be fair.
    await Task.detached { await workload.run() }.value
  }
}
