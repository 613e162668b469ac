import Harness
import Nursery

// Fair: the child is a real fiber with its own stack, scope and result, in a nursery that stays open.
let spawnWait = Workload("spawn-wait", workers: 1) {
  let children = size(2_000_000)
  try spawnAndWait(children / 10)
  report("spawn-wait", try nanoseconds(each: children) { try spawnAndWait(children) }, "ns")
}

private func spawnAndWait(_ children: Int) throws {
  try withNursery { nursery in
    var sum = 0
    for i in 0..<children { sum &+= try nursery.goAsync { i }.wait() }
    require(sum == children * (children - 1) / 2, "a result was lost")
  }
}
