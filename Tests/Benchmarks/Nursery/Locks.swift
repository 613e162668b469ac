import Harness
import Nursery
import Synchronization

// Fair: a free lock, taken and released by one fiber; the standard library's `Mutex` in the same loop. The two take
// turns, so that a change of the processor's pace meets both.
let freeLocks = Workload("lock", workers: 1) {
  let count = size(20_000_000)
  let fiberMutex = FiberMutex(0)
  let mutex = Mutex(0)
  var times = (fiber: 0.0, standard: 0.0)
  let turns = 8
  for turn in 0...turns {
    let fiber = try nanoseconds(each: count / turns) {
      for _ in 0..<count / turns { try fiberMutex.withLock { $0 &+= 1 } }
    }
    let standard = nanoseconds(each: count / turns) {
      for _ in 0..<count / turns { mutex.withLock { $0 &+= 1 } }
    }
    // The first turn warms up.
    if turn > 0 { times = (times.fiber + fiber, times.standard + standard) }
  }
  let uses = (count / turns) * (turns + 1)
  require(try fiberMutex.withLock { $0 } == uses && mutex.withLock { $0 } == uses, "a use was lost")
  report("lock", times.fiber / Double(turns), "ns")
  report("lock, Mutex", times.standard / Double(turns), "ns")
}

// Fair: the owner yields while it holds the lock, so that the others must wait. One operation takes and releases it.
let contendedLocks = [8, 64].flatMap { fibers in
  Workload.oneAndTwo("lock-\(fibers)") { name in
    let each = size(2_048_000) / fibers
    try contend(fibers, each / 10)
    report(name, try nanoseconds(each: fibers * each) { try contend(fibers, each) }, "ns")
  }
}

private func contend(_ fibers: Int, _ each: Int) throws {
  let uses = FiberMutex(0)
  try withNursery { nursery in
    for _ in 0..<fibers {
      nursery.goAsync {
        for _ in 0..<each {
          try uses.withLock { uses in
            let before = uses
            Fiber.yield()
            uses = before + 1
          }
        }
      }
    }
  }
  require(try uses.withLock { $0 } == fibers * each, "a use was lost")
}
