import Nursery
import Testing

/// If an operation becomes ready and is interrupted at the same time, it either returns its value and has happened
/// once, or throws and has not happened.
///
/// Checked under every schedule if there are few enough, otherwise under many.
struct RaceLawTests {
  private static let cases = Case.all(
    having: [.pends, .readiesWhileParked], without: [.isExternal], in: [.bare, .verb, .chosen, .everything])

  @Test(arguments: cases.filter { $0.specimen.traits.isDisjoint(with: [.isTimed, .breaks]) })
  func aCommitAndACancellationNeverBothWin(example: Case) throws {
    try explore(example.specimen, example.form, .cancellation)
  }

  @Test(arguments: cases.filter { !$0.specimen.traits.contains(.breaks) })
  func aCommitAndADeadlineNeverBothWin(example: Case) throws {
    try explore(example.specimen, example.form, .deadline)
  }

  @Test(arguments: cases.filter { Form.operations.contains($0.form) && !$0.specimen.traits.contains(.needsTime) })
  func aCommitAndATimeoutInTheSameChoiceNeverBothWin(example: Case) throws {
    try explore(example.specimen, example.form, .timeout)
  }

  /// A task performs, which the fiber that waits for it runs under the explorer.
  @Test(arguments: tasksCases) func aCommitAndTheCancellationOfATaskNeverBothWin(example: Case) throws {
    try explore(example.specimen, example.form, .cancellation, inTask: true)
  }

  @Test(arguments: tasksCases.filter { !$0.specimen.traits.contains(.needsTime) })
  func aCommitAndATimeoutInAChoiceOfATaskNeverBothWin(example: Case) throws {
    try explore(example.specimen, example.form, .timeout, inTask: true)
  }

  private static let tasksCases = Case.all(
    having: [.pends, .readiesWhileParked], without: [.isExternal, .isTimed, .breaks], in: [.bare, .everything])

  /// Runs the race under every schedule, or many, and on two workers.
  private func explore(_ specimen: some AnySpecimen, _ form: Form, _ rival: Rival, inTask: Bool = false) throws {
    var outcomes: Set<Outcome> = []
    let round = {
      try Bench.run(isVirtual: true) { bench in
        let fixture = try specimen.make(bench)
        let trial = Trial(bench: bench, place: .oneWorker, specimen: specimen, form: form, fixture: fixture)
        outcomes.insert(try trial.race(against: rival, inTask: inTask))
      }
    }
    // A sanitizer finds nothing in the schedules of one thread; it checks the run with two workers.
    let limit = isSanitized ? 20 : inTask ? 30 : form == .bare || form == .verb ? 1000 : 60
    let report = try exploreSchedules(.exhaustive(limit: limit), round)
    if !report.isExhausted { try exploreSchedules(.random(count: min(limit, 60), seed: 1), round) }
    if inTask {
      // Some of them need more steps in a task for both outcomes than these schedules have.
      return expectEqual(outcomes.isSubset(of: [specimen.outcome, rival.outcome]), true)
    }
    for _ in 0..<5 { try virtually(2, round) }
    // An operation that is due at the same instant as its timeout commits.
    if rival == .timeout, specimen.traits.contains(.isTimed) {
      #expect(outcomes == [specimen.outcome])
    } else if rival != .deadline, !(isSanitized && specimen.traits.contains(.needsTime)) {
      // Both outcomes must occur, otherwise it was no race. Where several fibers serve the operation, the few schedules
      // under a sanitizer do not suffice for that.
      #expect(outcomes == [specimen.outcome, rival.outcome])
    }
  }
}

/// The event that races with the operation.
private enum Rival {
  case cancellation
  case deadline
  case timeout

  /// How the perform ends if the rival wins.
  var outcome: Outcome { self == .cancellation ? .cancelled : .timedOut }
}

extension Trial {
  /// Performs the operation while it becomes ready and the rival happens; performs it again if the rival has
  /// interrupted it.
  ///
  /// - Returns: how the race ended.
  fileprivate func race(against rival: Rival, inTask: Bool) throws -> Outcome {
    let meet = isTimed || rival == .deadline ? bench.patience : .zero
    let helper = bench.nursery.goAsync("helper") {
      if meet > .zero { try sleep(for: meet) }
      try fixture.makeReady()
    }
    let report = perform(against: rival, after: meet, inTask: inTask)
    let outcome = report.outcome
    let hasCommitted = outcome == specimen.outcome
    guard hasCommitted || outcome == rival.outcome else { throw Broken("it ended with \(outcome)") }
    let isInterruptedOnEntry = !hasCommitted && report.calls == Tally()
    guard isInterruptedOnEntry || report.calls == form.calls(outcome, committed: hasCommitted) else {
      throw Broken("\(outcome), with \(report.calls)")
    }
    if !hasCommitted {
      let again = (inTask ? performInTask() : perform()).outcome
      guard again == specimen.outcome else { throw Broken("interrupted, it afterwards ended with \(again)") }
    }
    try helper.wait()
    let effects = fixture.effects()
    guard effects == fixture.effectsOfCommit else { throw Broken("there have been \(effects) effects") }
    guard fixture.waiters() == 0 else { throw Broken("a waiter was left behind") }
    return outcome
  }

  private func perform(against rival: Rival, after duration: Duration, inTask: Bool) -> Report {
    switch rival {
    case .cancellation:
      let performer = bench.nursery.goAsync("performer") { inTask ? performInTask() : perform() }
      Fiber.yield()
      performer.cancel()
      // A fiber that is cancelled before it runs performs nothing.
      return (try? performer.wait()) ?? Report(outcome: .cancelled, calls: Tally())
    case .timeout where inTask: return performInTask(timeout: duration)
    case .deadline:
      return report { witness in try withTimeout(duration) { try form.perform(fixture, witness) } }
    case .timeout:
      return report { try form.apply(fixture.op, $0).orTimeout(after: duration).perform() }
    }
  }
}
