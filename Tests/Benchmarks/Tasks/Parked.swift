import Harness
import Nursery

// Fair: a task each that waits for its own message, as in the peer; only the memory of those that wait is compared.
let parked = AsyncWorkload("task-parked", workers: 1) {
  try await park(1000, reporting: false)
  try await park(size(1_000_000), reporting: true)
}

private func park(_ tasks: Int, reporting: Bool) async throws {
  let channel = Channel<Int>(.unbuffered)
  let before = residentBytes()
  try await withThrowingDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask { _ = try await channel.receive() }
    }
    while channel.statistics.waitingReceivers < tasks { await Task.yield() }
    if reporting, let before, let now = residentBytes() {
      report("task-parked, memory each", Double(now - before) / Double(tasks), "bytes")
    }
    for i in 0..<tasks { try await channel.send(i) }
  }
}
