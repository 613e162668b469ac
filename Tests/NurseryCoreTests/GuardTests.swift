import NurseryCore
import Testing

/// When guards run.
struct GuardTests {
  @Test func aGuardRunsOncePerPerformAndNeverAtConstruction() throws {
    let runs = Counter()
    try virtually {
      let operation = Op.guarded {
        runs.add()
        return Op.always(runs.value)
      }
      #expect(runs.value == 0)
      let choice = operation.wrap { $0 }.or(.never)
      #expect(runs.value == 0)
      try #expect(operation.perform() == 1)
      try #expect(choice.perform() == 2)
      try #expect(operation.poll() == 3)
    }
    #expect(runs.value == 3)
  }

  @Test func theGuardsOfEveryBranchRunBeforeAnythingIsPolled() throws {
    let log = Log<String>()
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let operation = Op.biased([
        channel.sendOp(1).wrap { "sent" },
        .guarded {
          log.append("first, \(channel.count)")
          return .never
        },
        Op.guarded {
          log.append("second, \(channel.count)")
          return Op.always("second")
        }.wrap { $0 },
      ])
      try #expect(operation.perform() == "sent")
    }
    #expect(log.entries == ["first, 0", "second, 0"])
  }

  @Test func aGuardMayReturnAGuardedOperation() throws {
    try virtually {
      let operation = Op.guarded { .guarded { .guarded { .always(4) } } }
      try #expect(operation.perform() == 4)
    }
  }

  @Test func aGuardsErrorIsThrownAndNothingHasCommitted() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      try channel.send(1)
      let operation = Op.biased([channel.receiveOp(), .guarded { throw Oops(3) }])
      expectThrows(Oops(3)) { try operation.perform() }
      expectThrows(Oops(3)) { try operation.poll() }
      #expect(channel.count == 1)
    }
  }

  @Test(arguments: parallelisms) func aGuardMayWait(workers: Int) throws {
    try virtually(workers) {
      let channel = Channel<Int>()
      let operation = Op<Int>.guarded {
        try sleep(for: .seconds(1))
        let first = try channel.receive()
        return channel.receiveOp().wrap { $0 + first }
      }
      spawn {
        try channel.send(1)
        try channel.send(2)
      }
      try #expect(operation.or(.never).perform() == 3)
    }
  }

  @Test func aGuardReadsTheClockWhenItIsPerformed() throws {
    try virtually {
      let start = FiberClock.now
      let inOneSecond = Op<Void>.guarded { sleepOp(until: FiberClock.now.advanced(by: .seconds(1))) }
      try inOneSecond.perform()
      try inOneSecond.perform()
      #expect(start.duration(to: .init(nanoseconds: FiberClock.now.nanoseconds)) == .seconds(2))
    }
  }
}
