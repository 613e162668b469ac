import Harness

// Fair: each task waits for a message of a stream of its own, because a stream has one reader; the group is cancelled
// by one call, and the time ends when all have ended.
let cancelParked = AsyncWorkload("cancel-parked", workers: 1) {
  let tasks = size(100_000)
  _ = await cancelAll(tasks)
  report("cancel-parked", await cancelAll(tasks), "ns")
}

private func cancelAll(_ tasks: Int) async -> Double {
  let (parked, cancelled) = (Counter(), Counter())
  var start = ContinuousClock.now
  await withDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask {
        let (messages, _source) = AsyncStream<Int>.makeStream()
        parked.add()
        for await _ in messages {}
        if Task.isCancelled { cancelled.add() }
        withExtendedLifetime(_source) {}
      }
    }
    while parked.value < tasks { await Task.yield() }
    start = .now
    group.cancelAll()
  }
  let time = elapsed(since: start, each: tasks)
  require(cancelled.value == tasks, "a task was not cancelled")
  return time
}
