import Harness
import Nursery

// Fair: every one of eight readers sees every value, because the sender yields after it.
let watch = Workload("watch-8", workers: 1) {
  let values = size(500_000)
  try observe(values / 10)
  report("watch-8", try nanoseconds(each: values) { try observe(values) }, "ns")
}

private func observe(_ values: Int) throws {
  let latest = Watch(0)
  try withNursery { nursery in
    for _ in 0..<8 {
      nursery.goAsync {
        let reader = latest.reader()
        var sum = 0
        var value = 0
        while value < values {
          value = try reader.changes()
          sum &+= value
        }
        require(sum == values * (values + 1) / 2, "a value was missed")
      }
    }
    Fiber.yield()
    for value in 1...values {
      latest.set(value)
      Fiber.yield()
    }
  }
}

// Fair: the sender never waits for a subscriber; it yields after 64 elements, and 128 are kept, so none is missed.
let multicast = Workload("multicast-8", workers: 1) {
  let elements = size(1_000_000)
  try spread(elements / 10)
  report("multicast-8", try nanoseconds(each: elements) { try spread(elements) }, "ns")
}

private func spread(_ elements: Int) throws {
  let multicast = Multicast<Int>()
  try withNursery { nursery in
    for _ in 0..<8 {
      let subscription = multicast.subscribe(.lagging(128))
      nursery.goAsync {
        var sum = 0
        while let element = try subscription.next() { sum &+= element }
        require(sum == elements * (elements - 1) / 2, "an element was missed")
      }
    }
    for element in 0..<elements {
      try multicast.send(element)
      if element % 64 == 63 { Fiber.yield() }
    }
    multicast.close()
  }
}
