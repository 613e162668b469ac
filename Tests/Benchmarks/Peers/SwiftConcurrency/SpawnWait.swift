import Harness

// Fair: `async let` is the lightest child task there is (allocated in its parent). The driver confines the
// program to one processor, where it is twice as quick as on two.
let spawnWait = Workload(name: "spawn-wait", workers: 1) {
  let children = 500_000
  await spawnAndWait(children / 10)
  let start = ContinuousClock.now
  await spawnAndWait(children)
  report("spawn-wait", elapsed(since: start, each: children), "ns")
}

private func spawnAndWait(_ children: Int) async {
  var sum = 0
  for i in 0..<children {
    async let child = trivial(i)
    sum &+= await child
  }
  require(sum == children * (children - 1) / 2, "a result was lost")
}

// Not inlined, and thus not seen through: otherwise nothing would be left to spawn.
@inline(never) private func trivial(_ i: Int) -> Int { i }
