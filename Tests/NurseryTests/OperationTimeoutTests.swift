import Nursery
import Testing

/// A timeout is a part of its operation, in any combination.
struct OperationTimeoutTests {
  private let quiet = Channel<Int>()

  /// The operation that never commits, under a timeout written on this line.
  private func limited(_ duration: Duration, line: UInt = 0) -> Op<Int> {
    quiet.receiveOp().orTimeout(after: duration, line: line)
  }

  private func expectTimeout<Value>(_ line: Int, after duration: Duration, _ operation: Op<Value>) {
    let start = FiberClock.now
    let error = expectThrows(TimeoutError.self) { try operation.perform() }
    #expect(error?.site.line == line)
    #expect(error?.duration == duration)
    #expect(start.duration(to: FiberClock.now) == max(duration, .zero))
  }

  @Test func ofNestedTimeoutsTheEarlierOneThrows() throws {
    try virtually {
      expectTimeout(1, after: .seconds(1), limited(.seconds(1), line: 1).orTimeout(after: .seconds(10), line: 2))
      expectTimeout(2, after: .seconds(1), limited(.seconds(10), line: 1).orTimeout(after: .seconds(1), line: 2))
      expectTimeout(1, after: .seconds(1), limited(.seconds(1), line: 1).orTimeout(after: .seconds(1), line: 2))
      expectTimeout(2, after: .zero, limited(.seconds(10), line: 1).orTimeout(after: .zero, line: 2))
    }
  }

  @Test func everyBranchOfAChoiceHasItsOwnTimeout() throws {
    try virtually {
      expectTimeout(2, after: .seconds(1), limited(.seconds(2), line: 1).or(limited(.seconds(1), line: 2)))
      expectTimeout(
        3, after: .seconds(1),
        Op.choice((1...9).map { limited(.seconds($0 == 3 ? 1 : 5), line: UInt($0)) }))
      let choice = limited(.seconds(5), line: 1).or(quiet.receiveOp()).orTimeout(after: .seconds(3), line: 2)
      expectTimeout(2, after: .seconds(3), choice)
      let error = expectThrows(TimeoutError.self) {
        try choose(limited(.seconds(2), line: 1), limited(.seconds(1), line: 2))
      }
      #expect(error?.site.line == 2)
    }
  }

  @Test func aTimeoutOfZeroLetsTheOtherBranchesBeTriedFirst() throws {
    try virtually {
      for _ in 0..<20 {
        try expectEqual(limited(.zero).or(.always(3)).perform(), 3)
        try expectEqual(choose(limited(.zero), .always(3)), 3)
        try expectEqual(Op.always(3).orTimeout(after: .seconds(-1)).perform(), 3)
      }
    }
  }

  @Test func combinatorsAroundATimeoutSeeItsError() throws {
    try virtually {
      try expectEqual(limited(.seconds(1)).wrap { $0 + 1 }.recover { _ in 5 }.perform(), 5)
      expectTimeout(4, after: .seconds(1), limited(.seconds(1), line: 4).wrap { $0 + 1 })
      expectTimeout(4, after: .seconds(1), Op.guarded { limited(.seconds(1), line: 4) })
      expectTimeout(
        4, after: .seconds(1), Op.guarded { limited(.seconds(3)) }.orTimeout(after: .seconds(1), line: 4))
      expectTimeout(4, after: .seconds(1), Op.guarded { quiet.receiveOp() }.orTimeout(after: .seconds(1), line: 4))
    }
  }

  @Test func aTimeoutAbandonsWhatIsInsideItOnly() throws {
    try virtually {
      let log = Log<String>()
      let operation = quiet.receiveOp().onAbandon { log.append("inside") }.orTimeout(after: .seconds(1), line: 6)
        .onAbandon { log.append("outside") }
      expectTimeout(6, after: .seconds(1), operation)
      #expect(log.entries == ["inside"])
      expectTimeout(7, after: .zero, operation.orTimeout(after: .zero, line: 7))
      #expect(log.entries == ["inside", "inside", "outside"])
    }
  }

  @Test func aPollTriesOnceAndWaitsForNoTimeout() throws {
    try virtually {
      try expectEqual(limited(.seconds(1)).poll(), nil)
      expectThrows(TimeoutError.self) { try limited(.zero).poll() }
      try expectEqual(Op.always(3).orTimeout(after: .zero).poll(), 3)
      try expectEqual(limited(.zero).or(.always(3)).poll(), 3)
    }
  }

  @Test func timesBeyondTheEndOfTimeAreNoTimeout() throws {
    try virtually {
      let operation = quiet.receiveOp().orTimeout(after: .seconds(Int64.max)).orTimeout(after: .seconds(1), line: 8)
      expectTimeout(8, after: .seconds(1), operation)
    }
  }

  @Test func anOperationUnderATimeoutIsPerformedAsOftenAsOneLikes() throws {
    try virtually {
      let operation = limited(.seconds(1), line: 9)
      for _ in 0..<3 { expectTimeout(9, after: .seconds(1), operation) }
      goAsync { try quiet.send(4) }
      try expectEqual(operation.perform(), 4)
      let fiber = goAsync { 6 }
      try expectEqual(fiber.waitOp().orTimeout(after: .seconds(1)).perform(), 6)
    }
  }
}
