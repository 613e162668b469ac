import Harness
import Nursery

// Fair: each node is a fiber that spawns ten, waits for all, and adds up their results. It also opens a nursery, which
// the peers' programs have no counterpart of. The idea is Atemerev's (github.com/atemerev/skynet).
let skynet = Workload.oneAndTwo("skynet") { name in
  let leaves = size(1_000_000)
  _ = try sum(of: 0, leaves / 10)
  var result = 0
  report(name, try milliseconds { result = try sum(of: 0, leaves) }, "ms")
  require(result == leaves * (leaves - 1) / 2, "a leaf was lost")
}

private func sum(of first: Int, _ leaves: Int) throws -> Int {
  if leaves == 1 { return first }
  let share = leaves / 10
  return try withNursery { nursery in
    let children = (0..<10).map { i in
      nursery.goAsync { try sum(of: first + i * share, share) }
    }
    return try children.reduce(0) { try $0 + $1.wait() }
  }
}
