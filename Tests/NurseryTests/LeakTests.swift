import Nursery
import Testing

#if os(Linux)
  /// The number of lost operations; optimised code does many in a moment.
  #if DEBUG
    private let losses = 100_000
  #else
    private let losses = 1_000_000
  #endif

  /// Runs `body` once to warm up, then `rounds` times, and traps if memory has grown by more than 2 MiB.
  ///
  /// For exit tests: a process that does nothing else.
  private func requireConstantMemory(rounds: Int = 1, _ body: () throws -> Void) rethrows {
    try body()
    let before = residentKilobytes()
    for _ in 0..<rounds { try body() }
    let growth = residentKilobytes() - before
    precondition(growth < 2048, "memory has grown by \(growth) KiB")
  }

  /// A lost operation leaves no memory behind; each test has a process of its own.
  @Suite(.serialized, .disabled(if: isSanitized, "sanitizers keep freed memory"))
  struct LeakTests {
    @Test func lostTimersLeaveNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory {
          try virtually {
            let ready = Op.always(1)
            for _ in 0..<losses / 2 { _ = try timeoutOp(after: .seconds(3600)).wrap { 0 }.or(ready).perform() }
            let channel = Channel<Int>()
            goAsync { for number in 0..<losses / 2 { try channel.send(number) } }
            for _ in 0..<losses / 2 {
              _ = try channel.receiveOp().or(timeoutOp(after: .seconds(3600)).wrap { -1 }).perform()
            }
          }
        }
      }
    }

    @Test func choicesWithALosingTimerStayWithinAMebibyte() async {
      await #expect(processExitsWith: .success) {
        try synchronously {
          try runFibers(Configuration(parallelism: 1)) {
            let numbers = Channel<Int>()
            // Sends while the receiver waits, so every choice sets a timer and removes it.
            goAsync(daemon: true) {
              while true {
                Fiber.yield()
                try numbers.send(1)
              }
            }
            for _ in 0..<100 { _ = try choose(numbers.receiveOp(), timeoutOp(after: .seconds(3600)).wrap { 0 }) }
            let before = residentKilobytes()
            for _ in 0..<losses { _ = try choose(numbers.receiveOp(), timeoutOp(after: .seconds(3600)).wrap { 0 }) }
            let growth = residentKilobytes() - before
            precondition(growth < 1024, "memory has grown by \(growth) KiB")
          }
        }
      }
    }

    @Test func lostReceivesAndTimersLeaveNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory {
          try virtually {
            let idle = Channel<Int>()
            let busy = Channel<Int>()
            goAsync { for number in 0..<losses { try busy.send(number) } }
            let choice = Op.choice([idle.receiveOp(), busy.receiveOp(), timeoutOp(after: .seconds(10)).wrap { -1 }])
            for _ in 0..<losses { _ = try choice.perform() }
          }
        }
      }
    }

    @Test func expiredTimeoutsLeaveNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory {
          try virtually {
            let idle = Channel<Int>()
            for _ in 0..<losses / 5 {
              _ = try withTimeoutOrNil(.milliseconds(1)) { try idle.receive() }
              let timeout = timeoutOp(after: .milliseconds(1)).wrap { Int?.none }
              _ = try idle.receiveOp().wrap { Optional($0) }.or(timeout).perform()
            }
          }
        }
      }
    }

    @Test func spawningAndWaitingLeavesNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory(rounds: 3) {
          try runFibers(Configuration(parallelism: 2)) {
            for _ in 0..<1000 {
              try withNursery { nursery in
                for number in 0..<20 {
                  let fiber = nursery.goAsync(number % 2 == 0 ? "a fiber with a name" : nil) { [number] in [number] }
                  if number % 3 == 0 { _ = try fiber.wait() }
                  if number % 5 == 0 { fiber.cancel() }
                }
              }
            }
          }
        }
      }
    }

    @Test func runsLeaveNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory(rounds: 10) {
          for _ in 0..<50 {
            try runFibers(Configuration(parallelism: 2)) {
              for _ in 0..<50 { goAsync { Fiber.yield() } }
            }
          }
        }
      }
    }

    @Test func plainThreadsLeaveNothing() async {
      await #expect(processExitsWith: .success) {
        try requireConstantMemory(rounds: 3) {
          let channel = Channel<Int>()
          for number in 0..<300 {
            let thread = PlainThread { try channel.send(number) }
            _ = try channel.receive()
            try thread.join()
          }
        }
      }
    }
  }
#endif

/// Objects held by failing, cancelled and abandoned work are released.
struct ReleaseTests {
  @Test(arguments: parallelisms) func failuresAndCancellationsReleaseEverything(workers: Int) throws {
    let census = Census()
    for round in 0..<50 {
      _ = try? virtually(workers) {
        try withNursery(onFailure: [FailurePolicy.failFast, .collect, .supervise][round % 3]) { nursery in
          let channel = Channel<Census.Member>(.bounded(round % 4))
          for number in 0..<20 {
            let captured = census.make(number)
            nursery.goAsync {
              let local = census.make(number)
              defer { withExtendedLifetime(local) {} }
              switch number % 5 {
              case 0: try channel.send(local)
              case 1: _ = try channel.receive()
              case 2: _ = try withTimeoutOrNil(.seconds(1)) { try channel.sendOp(captured).or(.never).perform() }
              case 3: try choose(channel.receiveOp().wrap { _ in }, timeoutOp(after: .seconds(number)))
              default:
                try sleep(for: .seconds(number))
                throw Oops(number)
              }
            }
          }
          try sleep(for: .seconds(round % 10))
          if round % 2 == 0 { nursery.cancel() }
        }
      }
      #expect(census.count == 0)
    }
  }

  @Test(arguments: parallelisms) func errorsAndResultsAreReleasedWithTheirHandles(workers: Int) throws {
    struct Heavy: Error { let member: Census.Member }
    let census = Census()
    try virtually(workers) {
      try? withNursery(onFailure: .supervise) { nursery in
        for number in 0..<10 {
          let failing = nursery.goAsync { () -> Int in throw Heavy(member: census.make(number)) }
          _ = try failing.result()
          let completing = nursery.goAsync { census.make(number) }
          _ = try completing.wait()
        }
      }
      #expect(census.count == 0)
    }
    #expect(census.total == 20)
  }

  @Test(arguments: parallelisms) func operationsReleaseWhatTheyHold(workers: Int) throws {
    let census = Census()
    try virtually(workers) {
      for number in 0..<20 {
        let member = census.make(number)
        let channel = Channel<Census.Member>(.bounded(1))
        let operation = Op.choice([
          channel.sendOp(member).wrap { member },
          channel.receiveOp().wrap { [member] received in received.number == number ? member : received },
          .guarded { .always(member) },
          .withNack { _ in .never },
          Op<Census.Member>.never.onAbandon { withExtendedLifetime(member) {} },
        ])
        for _ in 0..<5 { _ = try operation.perform() }
        _ = try operation.poll()
      }
    }
    #expect(census.count == 0)
  }
}
