import Nursery
import Testing

/// Laws of operations that commit.
struct CommitLawTests {
  @Test(arguments: Case.all(having: [.readiesBefore]))
  func aReadyOperationCommitsAtOnceAndHappensOnce(example: Case) throws {
    try ready(example.specimen, example.form)
  }

  private func ready(_ specimen: some AnySpecimen, _ form: Form) throws {
    try specimen.trial(form) { trial in
      if specimen.traits.contains(.pends) { try trial.makeReady() }
      let report = try trial.bench.start(at: trial.place) { trial.perform() }.result()
      if trial.bench.isVirtual { expectEqual(report.hasTakenTime, false) }
      trial.expectCommit(report, location: #_sourceLocation)
    }
  }

  @Test(arguments: Case.all(having: [.pends]))
  func aBlockingOperationParksUntilItIsMadeReadyAndHappensOnce(example: Case) throws {
    try blocking(example.specimen, example.form, helper: .oneWorker)
  }

  @Test(arguments: Case.all(having: [.pends, .readiesWhileParked], without: [.isTimed]))
  func aPlainThreadMayMakeItReady(example: Case) throws {
    try blocking(example.specimen, example.form, helper: .plainThread)
  }

  private func blocking(_ specimen: some AnySpecimen, _ form: Form, helper: Bench.Place) throws {
    try specimen.trial(form, isHelpedFromOutside: helper == .plainThread) { trial in
      if trial.place == .plainThread, !specimen.traits.contains(.readiesWhileParked) { return }
      let performer = trial.bench.start(at: trial.place) { trial.perform() }
      waitUntilAllParked()
      if trial.bench.isVirtual || !trial.isTimed { expectEqual(performer.isFinished, false) }
      expectEqual(trial.fixture.effects(), 0)
      guard specimen.traits.contains(.readiesWhileParked) else { return }
      let help = trial.bench.start(at: helper) { try trial.fixture.makeReady() }
      let report = try performer.result()
      try help.result()
      trial.expectCommit(report, location: #_sourceLocation)
    }
  }

  @Test(arguments: Case.all(having: [.readiesBefore], in: Form.operations))
  func aPollOfAReadyOperationCommits(example: Case) throws {
    try polled(example.specimen, example.form)
  }

  private func polled(_ specimen: some AnySpecimen, _ form: Form) throws {
    try specimen.trial(form) { trial in
      if specimen.traits.contains(.pends) { try trial.makeReady() }
      let performer = trial.bench.start(at: trial.place) {
        trial.report { try form.apply(trial.fixture.op, $0).poll() }
      }
      trial.expectCommit(try performer.result(), location: #_sourceLocation)
    }
  }
}
