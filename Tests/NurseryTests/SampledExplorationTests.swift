import Nursery
import Testing

/// The strategies that sample: random schedules, and random priorities (PCT).
@Suite struct SampledExplorationTests {
  /// The orders in which four fibers send, one for each schedule.
  private func traces(_ strategy: ExplorationStrategy) throws -> [[Int]] {
    var traces: [[Int]] = []
    try exploreSchedules(strategy) {
      let channel = Channel<Int>(.bounded(8))
      try withNursery { nursery in
        for number in 0..<4 {
          nursery.goAsync { for _ in 0..<2 { try channel.send(number) } }
        }
        traces.append(try (0..<8).map { _ in try channel.receive() })
      }
    }
    return traces
  }

  @Test func randomSchedulesFollowFromTheSeed() throws {
    let ones = try traces(.random(count: 30, seed: 1))
    let twos = try traces(.random(count: 30, seed: 2))
    try #expect(traces(.random(count: 30, seed: 1)) == ones)
    #expect(ones != twos)
    #expect(ones.dropFirst() != twos.dropLast(), "neighbouring seeds share their schedules")
    #expect(Set(ones).count > 5)
  }

  @Test func schedulesByPriorityFollowFromTheSeed() throws {
    let ones = try traces(.pct(count: 30, seed: 1))
    let twos = try traces(.pct(count: 30, seed: 2))
    try #expect(traces(.pct(count: 30, seed: 1)) == ones)
    #expect(ones != twos)
    #expect(Set(ones).count > 5)
    let constantOnes = try traces(.pct(count: 30, seed: 1, depth: 1))
    let constantTwos = try traces(.pct(count: 30, seed: 2, depth: 1))
    #expect(constantOnes != ones)
    #expect(constantOnes.dropFirst() != constantTwos.dropLast(), "neighbouring seeds share their schedules")
  }

  /// A mistake that needs two events in order: one fiber makes thirty calls, and the other one must run between two of
  /// them.
  private func narrowWindow() throws {
    let channel = Channel<Int>(.bounded(30))
    try withNursery { nursery in
      nursery.goAsync("steps") { for step in 0..<30 { try channel.send(step) } }
      nursery.goAsync("looks") { if channel.count == 20 { throw Oops() } }
    }
  }

  @Test func aMistakeDeepInsideIsFoundByPrioritiesAndNotByChance() throws {
    // A random schedule must pass over the second fiber twenty times.
    try exploreSchedules(.random(count: 2000, seed: 1)) { try narrowWindow() }
    // Without a change of priority no schedule finds the mistake.
    try exploreSchedules(.pct(count: 200, seed: 1, depth: 1)) { try narrowWindow() }
    // With two fibers and about thirty decisions, one schedule of sixty finds it.
    for seed in 1...5 as ClosedRange<UInt64> {
      let failure = try #require(throws: ExplorationFailure.self) {
        try exploreSchedules(.pct(count: 600, seed: seed, depth: 2)) { try narrowWindow() }
      }
      #expect(failure.error is Oops)
    }
  }

  @Test func twoChangesOfPriorityFindAMistakeOfDepthThree() throws {
    func body() throws {
      let steps = Channel<Int>(.bounded(12))
      let pause = Channel<Int>(.bounded(1))
      try withNursery { nursery in
        nursery.goAsync { for step in 0..<12 { try steps.send(step) } }
        nursery.goAsync {
          let before = steps.count
          try pause.send(1)
          if before == 6, steps.count == 12 { throw Oops() }
        }
      }
    }
    try exploreSchedules(.pct(count: 1000, seed: 1, depth: 2)) { try body() }
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.pct(count: 4000, seed: 1)) { try body() }
    }
    #expect(failure.error is Oops)
  }

  @Test func aReplayReproducesAFailureFoundWithPriorities() throws {
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.pct(count: 600, seed: 1, depth: 2)) { try narrowWindow() }
    }
    let again = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules(.replay(failure.replay)) { try narrowWindow() }
    }
    #expect(again.error is Oops)
    #expect(again.replay == failure.replay)
  }

  @Test func branchesOfAChoiceAreDrawnUnderPriorities() throws {
    var branches: Set<Int> = []
    try exploreSchedules(.pct(count: 20, seed: 1)) { branches.insert(try choose(.always(1), .always(2))) }
    #expect(branches == [1, 2])
  }

  @Test func aFiberThatYieldsGetsTheLowestPriority() throws {
    try exploreSchedules(.pct(count: 100, seed: 1), maximumDecisions: 100) {
      let done = Channel<Void>(.bounded(1))
      try withNursery { nursery in
        nursery.goAsync("spins") { while done.count == 0, !Fiber.isCancelled { Fiber.yield() } }
        nursery.goAsync("spins, too") { while done.count == 0, !Fiber.isCancelled { Fiber.yield() } }
        nursery.goAsync("works") { try done.send(()) }
      }
    }
  }
}
