import Nursery
@_exported import TestSupport

/// Runs `body` as the root fiber of a scheduler with a virtual clock: sleeping takes no time.
@discardableResult
func virtually<Result>(_ parallelism: Int = 1, seed: UInt64? = nil, _ body: () throws -> Result) throws -> Result {
  try runFibers(.virtual(parallelism, seed: seed), body)
}

/// Lets other tasks run until most of them wait.
func letTasksRun() async { for _ in 0..<20 { await Task.yield() } }
