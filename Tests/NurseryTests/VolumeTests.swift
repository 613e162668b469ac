import Nursery
import Testing

/// Very large numbers of one kind of operation.
@Suite(.serialized) struct VolumeTests {
  /// A million with a factor of 20.
  @Test(arguments: [1, 2]) func manyChoicesInARow(workers: Int) throws {
    let count = 50_000 * stressFactor
    let sums = try runFibers(Configuration(parallelism: workers)) {
      let channels = (0..<4).map { _ in Channel<Int>() }
      let any = Op.choice(channels.map { $0.receiveOp() })
      let senders = (0..<4).map { index in
        goAsync { for number in 0..<count / 4 { try channels[index].send(number) } }
      }
      var sum = 0
      for _ in 0..<count { sum += try any.perform() }
      for sender in senders { try sender.wait() }
      return sum
    }
    #expect(sums == (0..<count / 4).reduce(0, +) * 4)
  }

  @Test(arguments: [1, 2]) func manyFibersThroughOneChannel(workers: Int) throws {
    let count = 2000 * stressFactor
    let sum = try runFibers(Configuration(parallelism: workers)) {
      let channel = Channel<Int>()
      for number in 0..<count { goAsync { try channel.send(number) } }
      var sum = 0
      for _ in 0..<count { sum += try channel.receive() }
      return sum
    }
    #expect(sum == count * (count - 1) / 2)
  }

  @Test(arguments: [1, 2]) func manyTimersAtOnce(workers: Int) throws {
    let count = 2000 * stressFactor
    try virtually(workers) {
      let fibers = (0..<count).map { number in
        goAsync { () -> Int in
          let delay = (number * 7919) % count
          let won = try timeoutOp(after: .microseconds(delay)).wrap { 1 }
            .or(timeoutOp(after: .microseconds(count)).wrap { 0 }).perform()
          return won
        }
      }
      try #expect(waitAll(fibers).reduce(0, +) == count)
    }
  }

  @Test(arguments: [1, 2]) func manyNurseriesInsideEachOther(workers: Int) throws {
    func open(_ depth: Int) throws -> Int {
      if depth == 0 { return 0 }
      return try withNursery { nursery in
        let child = nursery.goAsync { 1 }
        return try open(depth - 1) + child.wait()
      }
    }
    // Sanitized frames are several times larger.
    let stackSize = isSanitized ? 8 << 20 : 1 << 20
    try runFibers(Configuration(parallelism: workers, stackSize: stackSize)) {
      try #expect(goAsync { try open(200) }.wait() == 200)
    }
  }
}
