import Harness
import Nursery

// Fair: a million fibers, spawned and awaited as in the peers, each of which sleeps once. Processor time is reported,
// because the wall clock also counts the waiting.
let timers = Workload("timers", workers: 1) {
  let sleepers = size(1_000_000)
  try sleepAll(sleepers / 10)
  let before = processorMilliseconds()
  try sleepAll(sleepers)
  report("timers", processorMilliseconds() - before, "ms")
}

private func sleepAll(_ sleepers: Int) throws {
  let start = ContinuousClock.now
  let woken = Counter()
  try withNursery { nursery in
    for i in 0..<sleepers {
      nursery.goAsync {
        // Spread without order over 0 to 100 ms; 7919 is prime.
        try sleep(for: .microseconds(i * 7919 % 100_000))
        woken.add()
      }
    }
  }
  require(woken.value == sleepers, "a sleeper did not wake")
  require(ContinuousClock.now - start >= .milliseconds(99), "the sleepers woke too early")
}
