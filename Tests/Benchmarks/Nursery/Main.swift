// Nursery's side of the comparison. One file per workload, each listed here.
import Harness

let workloads: [Workload] = [
  [coroutineSwitch], yields, yieldCurve, [spawnWait], spawnMany, rendezvous, pipe, fan, choices, [timeout], [timers],
  [parked], [cancelParked], [dumpParked], skynet, sieve, fib, mergesort, semaphores, contendedChannels,
  [freeLocks], contendedLocks, [watch, multicast], stages, [fusedStages, zips], transforms, [handovers, ticks],
].flatMap { $0 }

@main struct NurseryBenchmarks {
  static func main() throws {
    let command = Command(workloads: workloads.map { ($0.name, $0.workers) }, costs: costs.map(\.name))
    if let count = command.count {
      try costs.first { $0.name == command.workload }?.run(count)
    } else {
      try workloads.first { $0.name == command.workload }?.run()
    }
  }
}
