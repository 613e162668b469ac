import Harness
import Nursery

// Fair: one permit, and its holder yields, so that all others come to wait for it; an operation is to take it and to
// give it back. Until there is a FiberSemaphore this is a bounded channel of one token, as it is in Go.
let semaphores = [2, 8, 64].flatMap { fibers in
  Workload.oneAndTwo("semaphore-\(fibers)") { name in
    let each = size(1_024_000) / fibers
    try takeTurns(fibers, each / 10)
    report(name, try nanoseconds(each: fibers * each) { try takeTurns(fibers, each) }, "ns")
  }
}

private func takeTurns(_ fibers: Int, _ each: Int) throws {
  let permits = Channel<Void>(.bounded(1))
  let (holders, turns) = (Counter(), Counter())
  try withNursery { nursery in
    for _ in 0..<fibers {
      nursery.goAsync {
        for _ in 0..<each {
          try permits.send(())
          require(holders.add(1) == 1, "two hold the only permit")
          Fiber.yield()
          holders.add(-1)
          try permits.receive()
        }
        turns.add(each)
      }
    }
  }
  require(turns.value == fibers * each, "a turn was lost")
}
