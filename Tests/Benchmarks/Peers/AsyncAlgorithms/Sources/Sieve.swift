import AsyncAlgorithms
import Harness

// Fair: the classic chain, a task and a channel for each prime; the group is cancelled at the end.
let sieve = AsyncWorkload.oneAndTwo("sieve") { name in
  _ = await prime(size(200, quick: 20))
  let (count, last) = isQuick ? (100, 541) : (2000, 17389)
  let start = ContinuousClock.now
  let result = await prime(count)
  report(name, elapsed(since: start, each: 1) / 1e6, "ms")
  require(result == last, "\(result) is not prime number \(count)")
}

private func prime(_ count: Int) async -> Int {
  await withDiscardingTaskGroup { group in
    var end = AsyncChannel<Int>()
    group.addTask { [end] in
      for number in 2... {
        if Task.isCancelled { break }
        await end.send(number)
      }
    }
    var prime = 0
    for _ in 0..<count {
      var numbers = end.makeAsyncIterator()
      prime = await numbers.next() ?? 0
      let output = AsyncChannel<Int>()
      group.addTask { [end, prime] in
        for await number in end where number % prime != 0 { await output.send(number) }
      }
      end = output
    }
    group.cancelAll()
    return prime
  }
}
