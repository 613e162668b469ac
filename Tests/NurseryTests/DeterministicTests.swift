import Nursery
import Testing

@Suite struct DeterministicTests {
  @Test func waitUntilAllParkedLetsEachFiberRunUntilItWaits() throws {
    try runFibers(.deterministic(seed: 7)) {
      let start = FiberClock.now
      let channel = Channel<Int>()
      try withNursery { nursery in
        for number in 0..<5 { nursery.goAsync { try channel.send(number) } }
        waitUntilAllParked()
        var received: Set<Int> = []
        while let number = channel.tryReceive() { received.insert(number) }
        #expect(received == [0, 1, 2, 3, 4])
      }
      #expect(FiberClock.now == start)
    }
  }

  @Test func aDeterministicSchedulerRepeatsItself() throws {
    func trace(_ seed: UInt64) throws -> [Int] {
      try runFibers(.deterministic(seed: seed)) {
        let channel = Channel<Int>(.bounded(20))
        try withNursery { nursery in
          for number in 0..<10 {
            nursery.goAsync {
              try channel.send(number)
              try sleep(for: .milliseconds(1))
              try channel.send(number)
            }
          }
        }
        return (0..<20).map { _ in channel.tryReceive()! }
      }
    }
    #expect(try trace(42) == trace(42))
    #expect(try trace(42) != trace(43))
  }
}
