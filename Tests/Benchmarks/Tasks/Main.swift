// Nursery's side where tasks perform operations, and fibers call async functions. One file per workload, each listed
// here.
import Harness

let workloads: [AsyncWorkload] = [rendezvous, [choice], [parked], [asyncCalls, awaitedNursery]].flatMap { $0 }

@main struct TaskBenchmarks {
  static func main() async throws {
    try await AsyncWorkload.main(workloads)
  }
}
