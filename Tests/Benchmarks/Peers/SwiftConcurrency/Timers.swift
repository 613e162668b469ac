import Harness

// Fair: a task each in a discarding group, and Task.sleep.
let timers = AsyncWorkload("timers", workers: 1) {
  let sleepers = size(1_000_000)
  try await sleepAll(sleepers / 10)
  let before = processorMilliseconds()
  try await sleepAll(sleepers)
  report("timers", processorMilliseconds() - before, "ms")
}

private func sleepAll(_ sleepers: Int) async throws {
  let start = ContinuousClock.now
  let woken = Counter()
  try await withThrowingDiscardingTaskGroup { group in
    for i in 0..<sleepers {
      group.addTask {
        try await Task.sleep(for: .microseconds(i * 7919 % 100_000))
        woken.add()
      }
    }
  }
  require(woken.value == sleepers, "a sleeper did not wake")
  require(ContinuousClock.now - start >= .milliseconds(99), "the sleepers woke too early")
}
