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

  /// The workload with one worker, and with two under its name and "-2w"; the body gets the name to report under.
  static func oneAndTwo(_ name: String, body: @escaping @Sendable (String) throws -> Void) -> [Workload] {
    [
      Workload(name, workers: 1) { try body(name) },
      Workload(name + "-2w", workers: 2) { try body(name + "-2w") },
    ]
  }
}
