import Harness
import Nursery

// Fair: the same loop as the C programs, through the public type: a number goes in and out with each switch.
let coroutineSwitch = Workload("switch") {
  let roundTrips = size(10_000_000)
  let coroutine = try counting()
  try resume(coroutine, roundTrips / 10)
  // A round trip is two switches.
  report("switch", try nanoseconds(each: 2 * roundTrips) { try resume(coroutine, roundTrips) }, "ns")
}

/// A coroutine that yields the successor of each number that it is resumed with.
func counting() throws -> Coroutine<Int, Int, Void> {
  try Coroutine { yielder, first in
    var number = first
    while true { number = try yielder.yield(number + 1) }
  }
}

func resume(_ coroutine: Coroutine<Int, Int, Void>, _ roundTrips: Int) throws {
  var number = 0
  for _ in 0..<roundTrips {
    guard case .yielded(let next) = try coroutine.resume(number) else { break }
    number = next
  }
  require(number == roundTrips, "the coroutine did not count")
}
