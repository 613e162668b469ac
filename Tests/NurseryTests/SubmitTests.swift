import Nursery
import Testing

/// Work that is submitted to a running nursery, and the configurations of the scheduler around it.
struct SubmitTests {
  @Test func aTaskSubmitsWorkToARunningNursery() async throws {
    let opened = Promise<Nursery>()
    let mayEnd = Condition()
    let server = Task {
      try await withNursery("server") { nursery in
        opened.fulfill(nursery)
        try mayEnd.wait()
      }
    }
    let nursery = try await opened.wait()
    let sum = try await nursery.submit("adder") { try (0..<4).concurrentMap(limit: 2) { $0 }.reduce(0, +) }.perform()
    #expect(sum == 6)
    #expect(try await choose(nursery.submit { 7 }, Op.never) == 7)
    await #expect(throws: Oops(1)) { try await nursery.submit { throw Oops(1) }.perform() }
    mayEnd.signal()
    try await server.value
    let error = await #expect(throws: NurseryClosedError.self) { try await nursery.submit { 1 }.perform() }
    #expect("\(error!)".contains("nursery \"server\", opened at NurseryTests/SubmitTests.swift"))
  }

  @Test func fibersAndThreadsSubmitWorkToo() throws {
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        expectEqual(try nursery.submit { 1 }.perform(), 1)
        let thread = PlainThread { try nursery.submit { Fiber.current != nil }.perform() }
        expectEqual(try blocking { try thread.join() }, true)
      }
    }
  }

  @Test func aSubmittedFailureIsThePerformersAndReportedIfThereIsNone() throws {
    let errors = Log<String>()
    try runFibers(Configuration(parallelism: 1, onSuppressedError: { errors.append("\($0)") })) {
      try withNursery { nursery in
        let received = nursery.submit { throw Oops(1) }
        for _ in 0..<2 { expectThrows(Oops(1)) { try received.perform() } }
        _ = nursery.submit { throw Oops(2) }
      }
    }
    #expect(errors.entries == ["\(Oops(2))"])
  }

  @Test func workThatIsSubmittedToACancelledNurseryNeverRuns() throws {
    try virtually {
      try withNursery { nursery in
        let running = nursery.submit { try sleep(for: .seconds(1)) }
        let waiter = nursery.goAsync { withShieldedErrors { try running.perform() } }
        waitUntilAllParked()
        nursery.cancel()
        let late = nursery.submit { Issue.record("it ran") }
        try withShield { expectThrows(CancellationError.self) { try late.perform() } }
        try withShield { expectEqual(try waiter.wait(), true) }
      }
    }
  }

  @Test func workIsDoneOrRefusedWhenTheNurseryClosesMeanwhile() throws {
    for _ in 0..<200 {
      let opened = Promise<Nursery>()
      let thread = PlainThread { () -> Bool in
        let nursery = try opened.wait()
        for number in 0... {
          do { expectEqual(try nursery.submit { number }.perform(), number) } catch is NurseryClosedError {
            return true
          }
        }
        return false
      }
      try runFibers(Configuration(parallelism: 2)) {
        try withNursery { nursery in
          opened.fulfill(nursery)
          Fiber.yield()
        }
      }
      #expect(try thread.join() == true)
    }
  }

  @Test func workIsDoneOrRefusedUnderEverySchedule() throws {
    try underEverySchedule {
      let work = Counter()
      let outer = Promise<Nursery>()
      try withNursery { nursery in
        nursery.goAsync { try withNursery { outer.fulfill($0) } }
        let server = try outer.wait()
        do {
          _ = try server.submit { work.add() }.perform()
          try hold(work.value == 1, "not done")
        } catch is NurseryClosedError {
          try hold(work.value == 0, "done and refused")
        }
      }
    }
  }

  @Test func aPlainNurseryTakesAConfiguration() throws {
    try withNursery("virtual", .virtual()) { _ in
      try sleep(for: .seconds(3600))
      let error = expectThrows(ConfigurationError.self) { try withNursery("inner", .virtual()) { _ in } }
      #expect("\(error!)".contains("SubmitTests.swift"))
      #expect("\(error!)".contains("leave the configuration out"))
    }
    expectThrows(ConfigurationError.self) { try withNursery("", Configuration(parallelism: 0)) { _ in } }
  }

  @Test func aGracefulShutdownTakesWhatANurseryTakes() throws {
    let error = expectThrows(ErrorGroup.self) {
      try withGracefulShutdown(
        "server", grace: .seconds(1), signals: [.user2], onFailure: .supervise, limit: 1, placement: .spread,
        Configuration(parallelism: 1)
      ) { nursery in
        for number in 1...2 { nursery.goAsync { throw Oops(number) } }
      }
    }
    #expect(error?.errors.count == 2)
  }
}

/// Whether `body` was cancelled.
private func withShieldedErrors(_ body: () throws -> Void) -> Bool {
  do { try body() } catch { return error is CancellationError }
  return false
}
