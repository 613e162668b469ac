import Harness
import Nursery

// Fair: only yields are timed. All fibers have started, and touched their stacks, before the first timed yield, and end
// after the last. As in the peers, each makes the same number of yields, and the queue is first in, first out.
let yieldCurve = [100, 1000, 10_000, 100_000, 1_000_000].map { count in
  let fibers = size(count)
  return Workload("yield-curve-\(count)", workers: 1) {
    let each = max(5, size(8_000_000) / fibers)
    report("yield-curve-\(count)", try curve(fibers, each), "ns")
  }
}

private func curve(_ fibers: Int, _ each: Int) throws -> Double {
  let (started, ready) = (Counter(), Counter())
  var time = 0.0
  try withNursery { nursery in
    let gate = Channel<Int>(.unbuffered)
    for _ in 0..<fibers {
      nursery.goAsync {
        started.add()
        while started.value <= fibers { Fiber.yield() }
        for _ in 0..<each { Fiber.yield() }
        ready.add()
        // Parks instead of ending, so that the return of stacks is not timed with the others' last yields.
        for _ in gate {}
      }
    }
    while started.value < fibers { Fiber.yield() }
    // One lap is the warm-up.
    Fiber.yield()
    time = nanoseconds(each: fibers * each) {
      started.add()
      while ready.value < fibers { Fiber.yield() }
    }
    gate.close()
  }
  return time
}
