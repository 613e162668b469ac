import Harness
import Nursery

// Fair: a million children that all exist before the nursery ends, each a fiber with a stack of its own. The count
// shows that each has run; the peers keep one as well.
let spawnMany = Workload.oneAndTwo("spawn-many") { name in
  let children = size(1_000_000)
  try spawnAll(children / 10)
  report(name, try nanoseconds(each: children) { try spawnAll(children) }, "ns")
}

private func spawnAll(_ children: Int) throws {
  let ran = Counter()
  try withNursery { nursery in
    for _ in 0..<children {
      nursery.goAsync { _ = ran.add() }
    }
  }
  require(ran.value == children, "a child did not run")
}
