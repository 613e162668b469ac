struct Workload {
  let name: String
  let workers: Int
  let run: @Sendable () async throws -> Void

  init(_ name: String, workers: Int, run: @escaping @Sendable () async throws -> Void) {
    (self.name, self.workers, self.run) = (name, workers, run)
  }

  /// The workload on one processor, and on two under its name and "-2w"; the body gets the name to report under.
  ///
  /// The driver confines the program to the processors, and Swift's pool has a thread for each that it may use.
  static func oneAndTwo(_ name: String, run: @escaping @Sendable (String) async throws -> Void) -> [Workload] {
    [
      Workload(name, workers: 1) { try await run(name) },
      Workload(name + "-2w", workers: 2) { try await run(name + "-2w") },
    ]
  }
}
