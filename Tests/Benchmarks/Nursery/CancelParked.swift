import Harness
import Nursery

// Fair: the fibers wait for a message that never comes, in one nursery. The time runs from the call that cancels it
// until the last fiber has ended. Earlier rounds warm up the memory for later ones, in the peers as here.
let cancelParked = Workload("cancel-parked", workers: 1) {
  let fibers = size(100_000)
  let rounds = size(3, quick: 1)
  _ = try cancelAll(fibers)
  var time = 0.0
  for _ in 0..<rounds { time += try cancelAll(fibers) }
  report("cancel-parked", time / Double(rounds), "ns")
}

private func cancelAll(_ fibers: Int) throws -> Double {
  let channel = Channel<Int>(.unbuffered)
  let (parked, cancelled) = (Counter(), Counter())
  var start = ContinuousClock.now
  try withNursery { nursery in
    for _ in 0..<fibers {
      nursery.goAsync {
        parked.add()
        do {
          _ = try channel.receive()
        } catch is CancellationError {
          cancelled.add()
        }
      }
    }
    while parked.value < fibers { Fiber.yield() }
    start = ContinuousClock.now
    nursery.cancel()
  }
  let time = elapsed(since: start, each: fibers)
  require(cancelled.value == fibers, "a fiber was not cancelled")
  return time
}
