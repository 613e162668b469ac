import Harness

let awaitedGroup = AsyncWorkload("await-nursery", workers: 2) {
  let calls = size(100_000)
  await open(calls / 10)
  report("await-nursery", await nanoseconds(each: calls) { await open(calls) }, "ns")
}

private func open(_ calls: Int) async {
  var sum = 0
  for i in 0..<calls {
    sum &+= await withTaskGroup(of: Int.self) { group in
      group.addTask { i }
      return await group.next()!
    }
  }
  require(sum == calls * (calls - 1) / 2, "a result was lost")
}
