/// A workload of a peer that is written with `async` and `await`.
public struct AsyncWorkload: Sendable {
  let name: String
  let workers: Int
  let run: @Sendable () async throws -> Void

  /// Creates a workload; the driver confines the program to as many processors as it has workers.
  public init(_ name: String, workers: Int, run: @escaping @Sendable () async throws -> Void) {
    (self.name, self.workers, self.run) = (name, workers, run)
  }

  /// The workload on one processor, and on two under its name and "-2w"; the body gets the name to report under.
  ///
  /// Swift's pool has a thread for each processor that the program may use.
  public static func oneAndTwo(
    _ name: String, run: @escaping @Sendable (String) async throws -> Void
  ) -> [AsyncWorkload] {
    [
      AsyncWorkload(name, workers: 1) { try await run(name) },
      AsyncWorkload(name + "-2w", workers: 2) { try await run(name + "-2w") },
    ]
  }

  /// Runs the workload that the program's arguments name.
  public static func main(_ workloads: [AsyncWorkload]) async throws {
    let command = Command(workloads: workloads.map { ($0.name, $0.workers) })
    guard let workload = workloads.first(where: { $0.name == command.workload }) else { return }
    // Not on the main actor: a return to it after each await would not be fair.
    try await Task.detached { try await workload.run() }.value
  }
}
