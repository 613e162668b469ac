import Harness
import Nursery

// Fair: five stages that add one, each in a fiber of its own, with a channel before it.
let stages = Workload.oneAndTwo("pipeline-5") { name in
  let elements = size(1_000_000)
  let flow = (0..<5).reduce((0..<elements).pipeline()) { flow, _ in flow.buffer(1).map { $0 &+ 1 } }
  try run(flow.prefix(elements / 10), elements / 10)
  report(name, try nanoseconds(each: elements) { try run(flow, elements) }, "ns")
}

// The same without `buffer`: stages that only look at one element after another share the fiber of the loop.
let fusedStages = Workload("pipeline-5-fused", workers: 1) {
  let elements = size(10_000_000)
  let flow = (0..<elements).pipeline()
    .map { $0 &+ 1 }.map { $0 &+ 1 }.map { $0 &+ 1 }.map { $0 &+ 1 }.map { $0 &+ 1 }
  try run(flow.prefix(elements / 10), elements / 10)
  report("pipeline-5-fused", try nanoseconds(each: elements) { try run(flow, elements) }, "ns")
}

private func run(_ flow: Flow<Int>, _ elements: Int) throws {
  let sum = try flow.fold(0) { $0 &+ $1 }
  require(sum == elements * (elements - 1) / 2 + 5 * elements, "an element was lost")
}

// Ours alone: two flows as one of pairs, and eight fibers that transform.
let zips = Workload("pipeline-zip", workers: 1) {
  let elements = size(500_000)
  let flow = (0..<elements).pipeline().zip((0..<elements).pipeline())
  report("pipeline-zip", try nanoseconds(each: elements) { require(try flow.fold(0) { $0 &+ $1.1 } > 0, "lost") }, "ns")
}

let transforms = Workload.oneAndTwo("pipeline-map") { name in
  let elements = size(500_000)
  let flow = (0..<elements).pipeline().concurrentMap(limit: 8) { $0 &+ 1 }
  report(name, try nanoseconds(each: elements) { require(try flow.fold(0, &+) > 0, "lost") }, "ns")
}

// Ours alone: an element with one owner, in its box, beside `pipe`.
let handovers = Workload("handover", workers: 1) {
  let elements = size(5_000_000)
  let channel = HandoverChannel<Int>(.bounded(128))
  report(
    "handover",
    try nanoseconds(each: elements) {
      try withNursery { nursery in
        nursery.goAsync {
          for element in 0..<elements { if let unsent = channel.send(element) { throw unsent.reason } }
          channel.close()
        }
        var sum = 0
        while let element = try channel.next() { sum &+= element }
        require(sum == elements * (elements - 1) / 2, "an element was lost")
      }
    }, "ns")
}
