import Nursery
import TestSupport
import Testing

/// Where the time of a timeout went, as its error tells.
struct DeadlineBudgetTests {
  /// The error with which `body` ends in a deterministic scheduler that records.
  private func timeout(events: Int = 4096, _ body: () throws -> Void) throws -> TimeoutError {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on(events: events)
    return try #require(expectThrows(TimeoutError.self) { try runFibers(configuration, body) })
  }

  /// The budget's lines, with "some ns" for each figure in nanoseconds: in virtual time each event takes one.
  private func lines(_ budget: DeadlineBudget?) -> [String] {
    let words = "\(budget.map { "\($0)" } ?? "none")".split(separator: " ", omittingEmptySubsequences: false)
    var text: [Substring] = []
    for word in words {
      if word.hasPrefix("ns"), let last = text.last, Int(last) != nil { text[text.count - 1] = "some" }
      text.append(word)
    }
    return text.joined(separator: " ").split(separator: "\n").map(String.init)
  }

  private func place(_ line: Int) -> String { "NurseryTests/DeadlineBudgetTests.swift:\(line)" }

  @Test func aTimeoutTellsWhereTheTimeOfEachChildWent() throws {
    let line = #line + 5
    let error = try timeout {
      let numbers = Channel<Int>()
      let never = Channel<Int>()
      try withTimeout(.seconds(2)) {
        try withNursery { nursery in
          nursery.goAsync("sleeps") { try sleep(for: .seconds(9)) }
          nursery.goAsync("receives") { for _ in 0..<2 { _ = try numbers.receive() } }
          nursery.goAsync("sends") {
            try sleep(for: .milliseconds(500))
            try numbers.send(1)
          }
          nursery.goAsync("computes") { for _ in 0..<9 { Fiber.yield() } }
          nursery.goAsync("chooses") { try choose(sleepOp(for: .seconds(9)), never.receiveOp().wrap { _ in }) }
        }
      }
    }
    #expect(
      lines(error.budget) == [
        "where 2 s went:",
        "  the root fiber: ran some ns, waited 2 s for its children",
        "  fiber \"sleeps\" spawned at \(place(line + 1)): ran some ns, could run some ns, waited 2 s for a timer",
        "  fiber \"receives\" spawned at \(place(line + 2)): ran some ns, could run some ns, "
          + "waited 2 s for receive from a Channel<Int>",
        "  fiber \"sends\" spawned at \(place(line + 3)): ran some ns, could run some ns, "
          + "waited 500 ms for a timer",
        "  fiber \"computes\" spawned at \(place(line + 7)): ran some ns, could run some ns",
        "  fiber \"chooses\" spawned at \(place(line + 8)): ran some ns, could run some ns, "
          + "waited 2 s for a timer or 1 more",
      ])
    let budget = try #require(error.budget)
    #expect(budget.unrecorded == .zero)
    // The events that come before the first wait are later than the clock.
    #expect(budget.elapsed > .seconds(2) - .microseconds(1) && budget.elapsed < .seconds(2) + .microseconds(1))
    #expect(budget.parts.map(\.count) == [1, 1, 1, 1, 1, 1])
    #expect(String(reflecting: error) == "\(error)\n\(budget)")
  }

  @Test func childrenOfOneSpawnLineAreOneEntry() throws {
    let line = #line + 4
    let error = try timeout {
      try withTimeout(.seconds(2)) {
        try withNursery { nursery in
          for _ in 0..<8 { nursery.goAsync("loader") { try sleep(for: .seconds(9)) } }
          nursery.goAsync {
            try withNursery { inner in for _ in 0..<3 { inner.goAsync { try Channel<Int>().receive() } } }
          }
        }
      }
    }
    let found = lines(error.budget)
    #expect(found.count == 5)
    #expect(
      found[2] == "  8 fibers \"loader\" spawned at \(place(line)): together ran some ns, could run some ns, "
        + "waited 16 s for a timer")
    #expect(
      found[4] == "  3 fibers spawned at \(place(line + 2)): together ran some ns, could run some ns, "
        + "waited 6 s for receive from a Channel<Int>")
  }

  @Test func aChildThatCouldRunAndDidNotIsNotSaidToWait() throws {
    let error = expectThrows(TimeoutError.self) {
      try runFibers(Configuration(parallelism: 1, recorder: .on())) {
        try withTimeout(.milliseconds(5)) {
          try withNursery { nursery in
            nursery.goAsync("computes") {
              nursery.goAsync("starves") { try sleep(for: .seconds(9)) }
              while true { try Fiber.checkCancellation() }
            }
          }
        }
      }
    }
    let parts = try #require(error?.budget).parts
    #expect(parts.map(\.label) == ["the root fiber", "fiber \"computes\"", "fiber \"starves\""])
    #expect(parts[1].running > .zero && parts[1].waits.isEmpty)
    #expect(parts[2].ready > .zero && parts[2].running == .zero && parts[2].waits.isEmpty)
  }

  @Test(arguments: [1, 2])
  func theTimesOfTheCallerAddUp(workers: Int) throws {
    for events in [64, 32_768] {
      let error = expectThrows(TimeoutError.self) {
        try runFibers(Configuration(parallelism: workers, recorder: .on(events: events))) {
          try withTimeout(.milliseconds(5)) {
            try withNursery(placement: .spread) { nursery in
              for number in 0..<4 {
                nursery.goAsync {
                  while true {
                    if number == 0 { try sleep(for: .microseconds(50)) } else { Fiber.yield() }
                    try Fiber.checkCancellation()
                  }
                }
              }
            }
          }
        }
      }
      let budget = try #require(error?.budget)
      guard let caller = budget.parts.first else { continue }
      let unrecorded = try #require(budget.unrecorded)
      #expect(caller.label == "the root fiber")
      #expect(caller.running + caller.ready + caller.waiting == budget.elapsed - unrecorded)
    }
  }

  @Test func aChildOfAFullNurseryWaitsForItsTurn() throws {
    let error = try timeout {
      try withTimeout(.seconds(2)) {
        try withNursery(limit: 1) { nursery in
          nursery.goAsync("first") { try sleep(for: .seconds(1)) }
          nursery.goAsync("second") { try sleep(for: .seconds(9)) }
          nursery.goAsync("third") {}
        }
      }
    }
    let waits = try #require(error.budget).parts.map { part in
      part.waits.map { "\($0.description) \(($0.duration + .microseconds(1)).components.seconds)" }
    }
    #expect(waits == [["its children 2"], ["a timer 1"], ["its turn 1", "a timer 1"], ["its turn 2"]])
  }

  @Test func whatIsNoLongerRecordedIsSaid() throws {
    let error = try timeout(events: 64) {
      try withTimeout(.seconds(5)) {
        try withNursery { nursery in
          for _ in 0..<2 {
            nursery.goAsync("child") {
              try sleep(for: .seconds(3))
              for _ in 0..<100 { Fiber.yield() }
              try sleep(for: .seconds(9))
            }
          }
        }
      }
    }
    #expect(
      lines(error.budget) == [
        "the first 3 s are no longer recorded; where the other 2 s went:",
        "  the root fiber: waited 2 s for what is no longer recorded",
        "  2 fibers whose spawn is not recorded: together ran some ns, could run some ns, waited 4 s for a timer",
      ])
    #expect(error.budget?.elapsed == .seconds(5))
  }

  @Test func anErrorThatIsAskedTooLateSaysSo() throws {
    let error = try timeout(events: 64) {
      do {
        try withTimeout(.seconds(1)) { try sleep(for: .seconds(2)) }
      } catch {
        try withNursery { nursery in for _ in 0..<2 { nursery.goAsync { for _ in 0..<100 { Fiber.yield() } } } }
        throw error
      }
    }
    #expect(lines(error.budget) == ["where the time went is no longer recorded"])
    #expect(error.budget?.unrecorded == .seconds(1))
  }

  @Test func aRecordingThatBeganLaterSaysSo() throws {
    let error = expectThrows(TimeoutError.self) {
      try runFibers(.deterministic(seed: 1)) {
        try withDeadline(FiberClock.now.advanced(by: .seconds(5))) {
          try sleep(for: .seconds(3))
          Scheduler.current?.startRecording()
          try sleep(for: .seconds(9))
        }
      }
    }
    #expect(
      lines(error?.budget) == [
        "the beginning is not recorded; where the last 2 s went:",
        "  the root fiber: waited 2 s for a timer",
      ])
    #expect(error?.budget?.unrecorded == nil)
  }

  @Test func eachErrorTellsOfItsOwnTimeout() throws {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.recorder = .on()
    let errors = try runFibers(configuration) {
      var errors: [TimeoutError] = []
      for seconds in 1...3 {
        do {
          try withTimeout(.seconds(10)) {
            try withTimeout(.seconds(seconds)) { try sleep(for: .seconds(20)) }
          }
        } catch let error as TimeoutError {
          errors.append(error)
        }
      }
      do {
        try withTimeout(.seconds(4)) { try withTimeout(.seconds(10)) { try sleep(for: .seconds(20)) } }
      } catch let error as TimeoutError {
        errors.append(error)
      }
      return errors
    }
    #expect(errors.compactMap(\.budget).map { lines($0)[0] } == (1...4).map { "where \($0) s went:" })
    #expect(Set(errors + errors).count == 4)
  }

  @Test func theTimeThatABodyTakesToEndIsNoPartOfTheBudget() throws {
    let error = try timeout {
      try withTimeout(.seconds(1)) {
        defer { try? withShield { try sleep(for: .milliseconds(250)) } }
        try sleep(for: .seconds(9))
      }
    }
    #expect(lines(error.budget).first == "where 1 s went, and 250 ms more until all had ended:")
    #expect(lines(error.budget).last == "  the root fiber: ran some ns, waited 1 s for a timer")
  }

  @Test func withoutARecorderThereIsNoBudget() throws {
    let error = try #require(
      expectThrows(TimeoutError.self) {
        try runFibers(.deterministic(seed: 1)) { try withTimeout(.seconds(1)) { try sleep(for: .seconds(2)) } }
      })
    #expect(error.budget == nil)
    #expect(String(reflecting: error) == "\(error)")
    let ofOperation = try timeout { try sleepOp(for: .seconds(2)).orTimeout(after: .seconds(1)).perform() }
    #expect(ofOperation.budget == nil)
    let ofThread = expectThrows(TimeoutError.self) { try withTimeout(.zero) { try sleep(for: .seconds(2)) } }
    #expect(ofThread != nil && ofThread?.budget == nil)
  }

  @Test func theSameSeedGivesTheSameBudget() throws {
    func text() throws -> String {
      let error = try timeout {
        try withTimeout(.seconds(2)) {
          try withNursery { nursery in
            let numbers = Channel<Int>(.bounded(2))
            for _ in 0..<5 { nursery.goAsync { for number in 0... { try numbers.send(number) } } }
            while true {
              _ = try numbers.receive()
              try sleep(for: .milliseconds(30))
            }
          }
        }
      }
      return String(reflecting: error)
    }
    let first = try text()
    #expect(try text() == first)
    #expect(first.contains("send to a Channel<Int>"))
  }
}
