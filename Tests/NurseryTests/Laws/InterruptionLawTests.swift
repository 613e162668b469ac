import Nursery
import Testing

/// An operation that did not commit has had no effect: its nacks have fired once before the perform returned, its
/// source holds no offer, and it can be performed again.
struct InterruptionLawTests {
  @Test(arguments: Case.all(having: [.pends], in: Form.operations))
  func aBranchThatIsNotReadyLosesToOneThatIs(example: Case) throws {
    try check(example.specimen, example.form, .lostAtOnce)
  }

  @Test(arguments: Case.all(having: [.readiesBefore], in: Form.operations))
  func aReadyBranchThatLosesHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .lostAtOnce, isReady: true)
  }

  @Test(arguments: Case.all(having: [.pends], in: Form.operations))
  func aParkedBranchThatLosesHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .lostWhileParked)
  }

  @Test(arguments: Case.all(having: [.pends]))
  func aCancelledScopeIsNoticedOnEntry(example: Case) throws {
    try check(example.specimen, example.form, .cancelledBefore)
  }

  @Test(arguments: Case.all(having: [.readiesBefore]))
  func aCancelledScopeIsNoticedOnEntryAlsoByAReadyOperation(example: Case) throws {
    try check(example.specimen, example.form, .cancelledBefore, isReady: true)
  }

  @Test(arguments: Case.all(having: [.readiesBefore], in: Form.operations))
  func aCancelledScopeIsNoticedByAPollOfAReadyOperation(example: Case) throws {
    try check(example.specimen, example.form, .cancelledBeforePoll, isReady: true)
  }

  @Test(arguments: Case.all(having: [.pends]))
  func anOperationCancelledWhileParkedHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .cancelledWhileParked)
  }

  @Test(arguments: Case.all(having: [.pends]))
  func anOperationThatTimesOutInAScopeHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .timedOut)
  }

  @Test(arguments: Case.all(having: [.pends], in: Form.operations))
  func anOperationThatTimesOutInAChoiceHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .orTimedOut)
  }

  @Test(arguments: Case.all(having: [.pends], in: Form.operations))
  func aPollOfABlockingOperationHasNoEffect(example: Case) throws {
    try check(example.specimen, example.form, .polled)
  }

  private func check(
    _ specimen: some AnySpecimen, _ form: Form, _ interruption: Interruption, isReady: Bool = false,
    location: SourceLocation = #_sourceLocation
  ) throws {
    try specimen.trial(form) { trial in
      // In real time the operation could become ready too early.
      if trial.isTimed, !trial.bench.isVirtual { return }
      if isReady, specimen.traits.contains(.pends) { try trial.makeReady() }
      try trial.expectInterruption(interruption, isReady: isReady, location)
    }
  }
}

extension Trial {
  /// Interrupts a performer, lets it wait for another operation at the same addresses, and then perform the operation
  /// again.
  fileprivate func expectInterruption(
    _ interruption: Interruption, isReady: Bool, _ location: SourceLocation
  ) throws {
    let stage = Stage<Value>()
    let canCommit = isReady || specimen.traits.contains(.readiesWhileParked)
    let performer = bench.start(at: place) {
      var reports = [report { try attempt(interruption, stage, $0) }]
      stage.isInterrupted.signal()
      reports.append(report { try waitForDecoy(interruption, stage, $0) })
      stage.isPastDecoy.signal()
      if canCommit { reports.append(perform()) }
      return reports
    }
    try interrupt(interruption, stage)
    try stage.isInterrupted.wait()
    waitUntilAllParked()
    expectNoEffect(location: location)

    if !isReady { try bench.makeReadyInAnyCase(fixture) }
    if stage.isPastDecoy.isSignalled {
      Issue.record("something was left behind and has committed another perform", sourceLocation: location)
    } else {
      try stage.decoy.send(fixture.other)
    }
    let reports = try performer.result()
    expectEqual(reports[0].outcome, interruption.outcome(fixture), location: location)
    expectEqual(stage.rivalWins.value, interruption.isLoss ? 1 : 0, location: location)
    let calls = interruption.comesOnEntry ? Tally() : form.calls(.nothing, committed: false)
    let wasNotSeenWaiting = mayComeOnEntry(interruption) && reports[0].calls == Tally()
    if !wasNotSeenWaiting { expectEqual(reports[0].calls, calls, location: location) }
    expectEqual(reports[1].outcome, Outcome(fixture) { fixture.other }, location: location)
    expectEqual(reports[1].calls, form.calls(.value, committed: true), location: location)
    if canCommit { expectCommit(reports[2], location: location) }
  }

  /// Whether a cancellation that is meant for the waiting perform may already come on entry.
  private func mayComeOnEntry(_ interruption: Interruption) -> Bool {
    switch interruption {
    case .cancelledWhileParked: place == .plainThread
    case .timedOut: !bench.isVirtual
    default: false
    }
  }
}
