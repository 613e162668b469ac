import Harness
import Nursery

// Fair: permits for half of the fibers, and a holder yields, so that others must wait. One operation takes a permit and
// returns it.
let semaphores = [2, 8, 64].flatMap { fibers in
  Workload.oneAndTwo("semaphore-\(fibers)") { name in
    let each = size(3_072_000) / fibers
    try contend(fibers, each / 10)
    report(name, try nanoseconds(each: fibers * each) { try contend(fibers, each) }, "ns")
  }
}

private func contend(_ fibers: Int, _ each: Int) throws {
  let permits = FiberSemaphore(fibers / 2)
  let turns = Counter()
  try withNursery { nursery in
    for _ in 0..<fibers {
      nursery.goAsync {
        for _ in 0..<each {
          try permits.withPermits { Fiber.yield() }
        }
        turns.add(each)
      }
    }
  }
  require(turns.value == fibers * each && permits.freeCount == permits.limit, "a turn or a permit was lost")
}
