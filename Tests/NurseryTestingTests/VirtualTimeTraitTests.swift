import Nursery
import NurseryTesting
import TestSupport
import Testing

/// A trait gives its configuration to the runs of a test that are given none.
struct VirtualTimeTraitTests {
  private static func hour() throws -> Duration {
    let begin = FiberClock.now
    try sleep(for: .seconds(3600))
    return begin.duration(to: FiberClock.now)
  }

  @Test(.virtualTime) func anHourOfVirtualTimePassesInANursery() throws {
    try withNursery { nursery in
      let hours = nursery.goAsync { try Self.hour() }
      expectEqual(try hours.wait(), .seconds(3600))
    }
    expectEqual(try runFibers { try Self.hour() }, .seconds(3600))
  }

  @Test(.virtualTime) func anHourOfVirtualTimePassesInANurseryThatATaskAwaits() async throws {
    let time = try await withNursery { _ in try Self.hour() }
    expectEqual(time, .seconds(3600))
  }

  @Test(.virtualTime(seed: 3)) func aTestWhoseFibersAllWaitFailsWithADeadlock() throws {
    let error = expectThrows(DeadlockError.self) {
      try withNursery { nursery in
        let numbers = Channel<Int>()
        nursery.goAsync("reader") { _ = try numbers.receive() }
      }
    }
    #expect(try #require(error).description.contains("fiber \"reader\""))
  }

  @Test(.virtualTime) func theSameSeedRunsTheSameSchedule() throws {
    func order() throws -> [Int] {
      let numbers = Guarded<[Int]>([])
      try withNursery { nursery in
        for number in 1...9 {
          nursery.goAsync {
            Fiber.yield()
            numbers.withLock { $0.append(number) }
          }
        }
      }
      return numbers.withLock { $0 }
    }
    expectEqual(try order(), try order())
  }

  @Test(.virtualTime) func aConfigurationThatIsWrittenWins() throws {
    let begin = ContinuousClock.now
    try runFibers(Configuration(parallelism: 1)) { try sleep(for: .milliseconds(2)) }
    #expect(begin.duration(to: .now) >= .milliseconds(2))
  }

  @Test func aTraitEndsWithItsTest() async throws {
    try await VirtualTimeTrait.provide {
      synchronously { expectEqual(try? runFibers { try Self.hour() }, .seconds(3600)) }
    }
    let begin = ContinuousClock.now
    try await withNursery { _ in try sleep(for: .milliseconds(2)) }
    #expect(begin.duration(to: .now) >= .milliseconds(2))
  }

  @Suite(.virtualTime) struct Inside {
    @Test func aSuitesTraitAppliesToItsTests() throws {
      expectEqual(try runFibers { try VirtualTimeTraitTests.hour() }, .seconds(3600))
    }
  }
}

extension VirtualTimeTrait {
  /// Calls `body` as a test with the trait.
  fileprivate static func provide(_ body: @Sendable () async throws -> Void) async throws {
    let trait: VirtualTimeTrait = .virtualTime
    try await trait.provideScope(for: try #require(Test.current), testCase: Test.Case.current, performing: body)
  }
}
