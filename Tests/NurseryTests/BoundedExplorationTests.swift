import Nursery
import Testing

/// The bound on preemptions of the exhaustive strategy.
@Suite struct BoundedExplorationTests {
  /// Three fibers of three calls each.
  private func threeByThree() throws {
    let channel = Channel<Int>(.bounded(9))
    try withNursery { nursery in
      for _ in 0..<3 { nursery.goAsync { for number in 0..<3 { try channel.send(number) } } }
    }
  }

  @Test func aBoundOnPreemptionsMakesThreeFibersTractable() throws {
    let unbounded = try exploreSchedules(.exhaustive(limit: 5000)) { try threeByThree() }
    #expect(!unbounded.isExhausted)
    var schedules: [Int] = []
    for preemptions in 0...2 {
      let report = try exploreSchedules(.exhaustive(limit: 5000, preemptions: preemptions)) { try threeByThree() }
      #expect(report.isExhausted)
      schedules.append(report.schedules)
    }
    #expect(schedules[0] == 6, "the orders of three fibers, none of which is interrupted")
    #expect(schedules[0] < schedules[1])
    #expect(schedules[1] < schedules[2])
  }

  @Test func aMistakeIsFoundWithTheNumberOfPreemptionsItTakes() throws {
    func body() throws {
      let channel = Channel<Int>(.bounded(4))
      try withNursery { nursery in
        nursery.goAsync { for number in [1, 2] { try channel.send(number) } }
        nursery.goAsync { for number in [3, 4] { try channel.send(number) } }
      }
      var received: [Int] = []
      while let number = channel.tryReceive() { received.append(number) }
      if received == [1, 3, 2, 4] { throw Oops() }
    }
    try exploreSchedules(.exhaustive(limit: 1000, preemptions: 1)) { try body() }
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.exhaustive(limit: 1000, preemptions: 2)) { try body() }
    }
    #expect(failure.error is Oops)
    let again = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.replay(failure.replay)) { try body() }
    }
    #expect(again.replay == failure.replay)
  }

  @Test func waitsAndYieldsAreNotPreemptions() throws {
    var orders: Set<[Int]> = []
    let report = try exploreSchedules(.exhaustive(limit: 1000, preemptions: 0)) {
      let channel = Channel<Int>(.bounded(2))
      try withNursery { nursery in
        nursery.goAsync {
          Fiber.yield()
          _ = try channel.trySend(1)
        }
        nursery.goAsync { _ = try channel.trySend(2) }
        orders.insert(try [channel.receive(), channel.receive()])
      }
    }
    #expect(report.isExhausted)
    #expect(orders == [[1, 2], [2, 1]])
  }
}
