import Harness
import Nursery

// Fair: the classic chain, a fiber and an unbuffered channel for each prime, in the peers as here. Only the end
// differs: the nursery is cancelled, while the peers leave their filters behind.
let sieve = Workload.oneAndTwo("sieve") { name in
  _ = try prime(size(200, quick: 20))
  let (count, last) = isQuick ? (100, 541) : (2000, 17389)
  var result = 0
  report(name, try milliseconds { result = try prime(count) }, "ms")
  require(result == last, "\(result) is not prime number \(count)")
}

private func prime(_ count: Int) throws -> Int {
  try withNursery { nursery in
    var end = Channel<Int>(.unbuffered)
    nursery.goAsync { [end] in
      for number in 2... { try end.send(number) }
    }
    var prime = 0
    for _ in 0..<count {
      prime = try end.receive()
      end = filter(end, by: prime, in: nursery)
    }
    nursery.cancel()
    return prime
  }
}

private func filter(_ input: Channel<Int>, by prime: Int, in nursery: Nursery) -> Channel<Int> {
  let output = Channel<Int>(.unbuffered)
  nursery.goAsync {
    for number in input where number % prime != 0 { try output.send(number) }
  }
  return output
}
