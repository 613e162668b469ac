import Harness

// Fair: `async let` is the lightest child task, and this its textbook use.
let fib = AsyncWorkload.oneAndTwo("fib") { name in
  let repetitions = size(20, quick: 1)
  _ = await parallel(25)
  var result = 0
  let start = ContinuousClock.now
  for _ in 0..<repetitions { result = await parallel(32) }
  report(name, elapsed(since: start, each: repetitions) / 1e6, "ms")
  require(result == 2_178_309, "fib(32) is not \(result)")
}

private func parallel(_ n: Int) async -> Int {
  if n <= 20 { return sequential(n) }
  async let left = parallel(n - 1)
  let right = await parallel(n - 2)
  return await left + right
}

@inline(never) private func sequential(_ n: Int) -> Int { n < 2 ? n : sequential(n - 1) + sequential(n - 2) }
