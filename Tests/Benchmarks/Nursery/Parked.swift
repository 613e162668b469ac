import Harness
import Nursery

// Fair: only a small warm-up, because the first use of a stack is measured. Each fiber is woken by its own message, as
// in the peers; the time ends when all have ended.
let parked = Workload("parked", workers: 1) {
  try park(1000, reporting: false)
  try park(size(1_000_000), reporting: true)
}

private func park(_ fibers: Int, reporting: Bool) throws {
  let channel = Channel<Int>(.unbuffered)
  let parked = Counter()
  let before = residentBytes()
  var create = 0.0
  var memory: Double?
  var wakeStart = ContinuousClock.now
  try withNursery { nursery in
    create = nanoseconds(each: fibers) {
      for _ in 0..<fibers {
        nursery.goAsync {
          parked.add()
          _ = try channel.receive()
        }
      }
      while parked.value < fibers { Fiber.yield() }
    }
    if let before, let now = residentBytes() { memory = Double(now - before) / Double(fibers) }
    wakeStart = ContinuousClock.now
    for i in 0..<fibers { try channel.send(i) }
  }
  let wake = elapsed(since: wakeStart, each: fibers)
  guard reporting else { return }
  if let memory { report("parked, memory each", memory, "bytes") }
  report("parked, create each", create, "ns")
  report("parked, wake each", wake, "ns")
}
