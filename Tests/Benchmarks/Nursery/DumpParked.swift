import Harness
import Nursery

// Not compared: no peer has it. Three kinds of waits, each a third of the fibers; the dump is taken on the root fiber,
// whose worker waits meanwhile. Memory is the growth of the largest resident size, so it includes what is freed again.
let dumpParked = Workload("dump-parked", workers: 1) {
  try dumpAll(1000, reporting: false)
  try dumpAll(size(1_000_000), reporting: true)
}

private func dumpAll(_ fibers: Int, reporting: Bool) throws {
  let channel = Channel<Int>(.unbuffered)
  let lock = FiberMutex(0)
  let parked = Counter()
  try withNursery("parked") { nursery in
    nursery.goAsync("holder") { try lock.withLock { _ in try sleep(for: .seconds(100_000)) } }
    Fiber.yield()
    for number in 0..<fibers {
      switch number % 3 {
      case 0:
        nursery.goAsync {
          parked.add()
          _ = try channel.receive()
        }
      case 1:
        nursery.goAsync {
          parked.add()
          try lock.withLock { _ in }
        }
      default:
        nursery.goAsync {
          parked.add()
          try sleep(for: .seconds(100_000))
        }
      }
    }
    while parked.value < fibers { Fiber.yield() }
    let before = residentBytes(peak: true)
    var start = ContinuousClock.now
    let dump = FiberDump.current()
    let take = elapsed(since: start, each: 1_000_000)
    let after = residentBytes(peak: true)
    start = ContinuousClock.now
    let text = dump.description
    let describe = elapsed(since: start, each: 1_000_000)
    require(dump.count == fibers + 2, "\(dump.count) fibers are listed")
    require(dump.suspects.isEmpty, "fibers are suspected")
    nursery.cancel()
    guard reporting else { return }
    report("dump-parked, take", take, "ms")
    if let before, let after { report("dump-parked, memory each", Double(after - before) / Double(fibers), "bytes") }
    report("dump-parked, text", describe, "ms")
    report("dump-parked, text size", Double(text.utf8.count), "bytes")
  }
}
