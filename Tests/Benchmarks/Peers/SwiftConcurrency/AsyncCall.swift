import Harness

let asyncCalls = AsyncWorkload("async-call", workers: 1) {
  let calls = size(100_000)
  await call(calls / 10)
  report("async-call", await nanoseconds(each: calls) { await call(calls) }, "ns")
}

private func call(_ calls: Int) async {
  var sum = 0
  for i in 0..<calls { sum &+= await Task { await trivial(i) }.value }
  require(sum == calls * (calls - 1) / 2, "a result was lost")
}

@inline(never) private func trivial(_ i: Int) async -> Int { i }
