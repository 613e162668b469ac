import Harness

// Fair: Task.yield is the standard library's own yield; the tasks' start is spread over many yields, as in the peers.
let yields = [
  AsyncWorkload("yield-2", workers: 1) { await measure("yield-2", tasks: 2, each: size(1_000_000)) },
  AsyncWorkload("yield-1000", workers: 1) { await measure("yield-1000", tasks: 1000, each: size(2000)) },
]

private func measure(_ name: String, tasks: Int, each: Int) async {
  await yieldAll(tasks, each / 10)
  report(name, await nanoseconds(each: tasks * each) { await yieldAll(tasks, each) }, "ns")
}

private func yieldAll(_ tasks: Int, _ each: Int) async {
  await withDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask {
        for _ in 0..<each { await Task.yield() }
      }
    }
  }
}
