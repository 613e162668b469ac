import Harness

// Fair: `async let` is the lightest child task there is (allocated in its parent). The driver confines the
// program to one processor, where it is twice as quick as on two.
let spawnWait = AsyncWorkload("spawn-wait", workers: 1) {
  let children = size(500_000)
  await spawnAndWait(children / 10)
  report("spawn-wait", await nanoseconds(each: children) { await spawnAndWait(children) }, "ns")
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
