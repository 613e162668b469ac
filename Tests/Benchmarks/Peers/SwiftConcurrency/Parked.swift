import Harness
import Synchronization

// Fair: the least that a task can wait in, a continuation each; they are kept in an array.
let parked = AsyncWorkload("task-parked", workers: 1) {
  await park(1000, reporting: false)
  await park(size(1_000_000), reporting: true)
}

private func park(_ tasks: Int, reporting: Bool) async {
  let waiting = Waiting()
  let before = residentBytes()
  await withDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask {
        await withUnsafeContinuation { continuation in waiting.all.withLock { $0.append(continuation) } }
      }
    }
    while waiting.all.withLock({ $0.count }) < tasks { await Task.yield() }
    if reporting, let before, let now = residentBytes() {
      report("task-parked, memory each", Double(now - before) / Double(tasks), "bytes")
    }
    for continuation in waiting.all.withLock({ $0 }) { continuation.resume() }
  }
}

private final class Waiting: Sendable {
  let all = Mutex<[UnsafeContinuation<Void, Never>]>([])
}
