import Harness

// Fair: a discarding group is made for many children without results: it keeps no record of those that ended.
let spawnMany = AsyncWorkload.oneAndTwo("spawn-many") { name in
  let children = size(1_000_000)
  await spawnAll(children / 10)
  report(name, await nanoseconds(each: children) { await spawnAll(children) }, "ns")
}

private func spawnAll(_ children: Int) async {
  let ran = Counter()
  await withDiscardingTaskGroup { group in
    for _ in 0..<children {
      group.addTask { ran.add() }
    }
  }
  require(ran.value == children, "a child did not run")
}
