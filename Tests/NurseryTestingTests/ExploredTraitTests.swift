import Nursery
import NurseryTesting
import TestSupport
import Testing

/// A test with the trait is called once for each schedule.
struct ExploredTraitTests {
  /// Two fibers that send; both orders are possible.
  @Sendable private static func order() throws -> [Int] {
    let numbers = Channel<Int>(.bounded(2))
    try withNursery { nursery in
      for number in 1...2 { nursery.goAsync { try numbers.send(number) } }
    }
    numbers.close()
    return Array(numbers)
  }

  private func call(_ trait: ExploredTrait, _ body: @escaping @Sendable () throws -> Void) async throws {
    try await trait.provideScope(for: try #require(Test.current), testCase: Test.Case.current) { try body() }
  }

  @Test(.explored(.exhaustive(limit: 100))) func theBodyIsExplored() throws {
    expectEqual(Set(try Self.order()), [1, 2])
  }

  @Test func aTestIsCalledOnceForEachSchedule() async throws {
    let orders = Guarded<[[Int]]>([])
    try await call(.explored) { try Self.order().record(in: orders) }
    let report = try synchronously { try exploreSchedules { _ = try Self.order() } }
    expectEqual(orders.withLock { $0.count }, report.schedules)
    expectEqual(Set(orders.withLock { $0 }), [[1, 2], [2, 1]])
  }

  @Test func anIssueUnderOneScheduleFailsTheTestAndSaysHowToRepeatIt() async throws {
    let replays = Guarded<[String]>([])
    // Known issues are matched before a trait adds its comment.
    let noting = IssueHandlingTrait.compactMapIssues { issue in
      for comment in issue.comments { _ = replays.add(comment.rawValue) }
      return nil
    }
    try await noting.provideScope(for: try #require(Test.current), testCase: Test.Case.current) {
      try await call(.explored) { expectEqual(try Self.order(), [1, 2]) }
    }
    let replay = try #require(replays.withLock { $0.first })
    let orders = Guarded<[[Int]]>([])
    try await call(.explored(.replay(replay))) { try Self.order().record(in: orders) }
    expectEqual(orders.withLock { $0 }, [[2, 1]])
  }

  @Test func anErrorUnderOneScheduleFailsTheTestAndSaysHowToRepeatIt() async throws {
    let replays = Guarded<[String]>([])
    try await withKnownIssue {
      try await call(.explored) { if try Self.order() != [1, 2] { throw Oops(1) } }
    } matching: { issue in
      issue.error as? Oops == Oops(1) && issue.comments.contains { replays.add($0.rawValue) }
    }
    expectEqual(replays.withLock { $0.count }, 1)
  }

  @Test func aDeadlockAndALeakUnderOneScheduleFailTheTest() async throws {
    try await withKnownIssue {
      try await call(.explored) {
        let numbers = Channel<Int>(.bounded(1))
        try withNursery { nursery in
          nursery.goAsync { _ = try numbers.receive() }
          nursery.goAsync { _ = numbers.tryReceive() }
          try numbers.send(1)
        }
      }
    } matching: { issue in
      issue.error is DeadlockError
    }
    let handles = Guarded<[Fiber<Void>]>([])
    try await withKnownIssue {
      try await call(.explored) {
        try withNursery { nursery in
          let handle = nursery.goAsync {}
          handles.withLock { $0.append(handle) }
        }
      }
    } matching: { issue in
      issue.error is ExplorationError
    }
  }

  @Test func aKnownIssueDoesNotEndTheExploration() async throws {
    let orders = Guarded<[[Int]]>([])
    try await call(.explored) {
      let order = try Self.order()
      withKnownIssue { #expect(order.isEmpty) }
      order.record(in: orders)
    }
    expectEqual(Set(orders.withLock { $0 }), [[1, 2], [2, 1]])
  }

  @Test func aTestThatRunsNoFibersFails() async throws {
    try await withKnownIssue {
      try await call(.explored) {}
    } matching: { issue in
      issue.comments.contains { $0.rawValue.contains("call withNursery") }
    }
  }

  @Test func aRunInsideAnExploredOneIsNotExplored() async throws {
    try await call(.explored(.exhaustive(limit: 3))) {
      try withNursery { _ in
        try runFibers { expectEqual(Scheduler.current?.statistics.fibersAlive, 0) }
      }
    }
  }
}

extension [Int] {
  fileprivate func record(in orders: Guarded<[[Int]]>) { orders.withLock { $0.append(self) } }
}

extension Guarded<[String]> {
  /// Adds the replay string of a comment, if there is one.
  fileprivate func add(_ comment: String) -> Bool {
    guard let match = comment.firstMatch(of: /\.replay\("([0-9.*]*)"\)/) else { return false }
    withLock { $0.append(String(match.1)) }
    return true
  }
}
