import Harness
import Nursery

// Fair: the same recursion everywhere. Compilers differ in the part that is not spawned; the comparison is about the
// gain from a second worker.
let fib = Workload.oneAndTwo("fib") { name in
  let repetitions = size(20, quick: 1)
  _ = try parallel(25)
  var result = 0
  let time = try milliseconds {
    for _ in 0..<repetitions { result = try parallel(32) }
  }
  report(name, time / Double(repetitions), "ms")
  require(result == 2_178_309, "fib(32) is not \(result)")
}

private func parallel(_ n: Int) throws -> Int {
  if n <= 20 { return sequential(n) }
  return try withNursery { nursery in
    let left = nursery.goAsync { try parallel(n - 1) }
    return try parallel(n - 2) + left.wait()
  }
}

@inline(never) private func sequential(_ n: Int) -> Int { n < 2 ? n : sequential(n - 1) + sequential(n - 2) }
