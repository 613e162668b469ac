import Harness
import Nursery

// Fair: the fibers' start is spread over millions of yields, as in the peers.
let yields = [
  Workload("yield-2", workers: 1) { try measure("yield-2", fibers: 2, each: size(4_000_000)) },
  Workload("yield-1000", workers: 1) { try measure("yield-1000", fibers: 1000, each: size(8000)) },
]

private func measure(_ name: String, fibers: Int, each: Int) throws {
  try yieldAll(fibers, each / 10)
  report(name, try nanoseconds(each: fibers * each) { try yieldAll(fibers, each) }, "ns")
}

func yieldAll(_ fibers: Int, _ each: Int) throws {
  try withNursery { nursery in
    for _ in 0..<fibers {
      nursery.goAsync {
        for _ in 0..<each { Fiber.yield() }
      }
    }
  }
}
