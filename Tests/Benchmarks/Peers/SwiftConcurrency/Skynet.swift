import Harness

// Fair: a task group is how a node spawns ten and adds up their results; `async let` needs a fixed number, and is no
// quicker.
let skynet = AsyncWorkload.oneAndTwo("skynet") { name in
  let leaves = size(1_000_000)
  _ = await sum(of: 0, leaves / 10)
  let start = ContinuousClock.now
  let result = await sum(of: 0, leaves)
  report(name, elapsed(since: start, each: 1) / 1e6, "ms")
  require(result == leaves * (leaves - 1) / 2, "a leaf was lost")
}

private func sum(of first: Int, _ leaves: Int) async -> Int {
  if leaves == 1 { return first }
  let share = leaves / 10
  return await withTaskGroup(of: Int.self) { group in
    for i in 0..<10 {
      group.addTask { await sum(of: first + i * share, share) }
    }
    return await group.reduce(0, +)
  }
}
