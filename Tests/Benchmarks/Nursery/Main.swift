// Nursery's side of the comparison. One file per workload, each listed here.
import Harness
import Nursery

struct Workload {
  let name: String
  let workers: Int
  let run: @Sendable () throws -> Void

  /// The workload runs on the calling thread, outside the scheduler.
  init(_ name: String, run: @escaping @Sendable () throws -> Void) {
    (self.name, self.workers, self.run) = (name, 1, run)
  }

  /// The workload's body is the first fiber of a scheduler with `workers` workers.
  init(_ name: String, workers: Int, body: @escaping @Sendable () throws -> Void) {
    self.name = name
    self.workers = workers
    run = { try runFibers(.init(parallelism: workers, stackSize: 64 * 1024)) { try body() } }
  }
}

let workloads = [coroutineSwitch, yield2, yield1000, rendezvous, spawnWait, parked]

@main struct NurseryBenchmarks {
  static func main() throws {
    let command = Command(workloads: workloads.map { ($0.name, $0.workers) })
    try workloads.first { $0.name == command.workload }?.run()
  }
}
