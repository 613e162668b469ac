import NurseryCore
@_exported import TestSupport

/// Runs `body` as the root fiber of a scheduler with a virtual clock: sleeping takes no time.
func virtually<Result>(_ parallelism: Int = 1, seed: UInt64? = nil, _ body: () throws -> Result) throws -> Result {
  try Scheduler.run(.virtual(parallelism, seed: seed), body)
}

/// Spawns a fiber into the enclosing nursery.
///
/// That is the run's own nursery, because the core opens no other.
@discardableResult
func spawn<Value>(_ name: String? = nil, _ body: @escaping () throws -> Value) -> FiberCore<Value> {
  Performer.current().scope.enclosingNursery!.spawn(name, SourceSite(file: #fileID, line: #line), body)
}
