import Nursery
import Testing

/// The laws for the third performer: a Swift task, which performs while fibers and plain threads make it ready.
///
/// In real time, and without a way to know that a task waits: so an interruption may come on entry.
struct TaskLawTests {
  private static let forms: [Form] = [.bare, .first, .guarded, .ofNine, .orTimeout, .everything]

  @Test(arguments: Case.all(having: [.readiesBefore], in: forms))
  func aReadyOperationCommitsInATask(example: Case) throws {
    try commit(example.specimen, example.form, helper: nil)
  }

  @Test(arguments: Case.all(having: [.pends, .readiesWhileParked], in: forms))
  func aFiberMakesATasksOperationReady(example: Case) throws {
    try commit(example.specimen, example.form, helper: .oneWorker)
  }

  @Test(arguments: Case.all(having: [.pends, .readiesWhileParked], without: [.isTimed], in: forms))
  func aThreadMakesATasksOperationReady(example: Case) throws {
    try commit(example.specimen, example.form, helper: .plainThread)
  }

  private func commit(_ specimen: some AnySpecimen, _ form: Form, helper: Bench.Place?) throws {
    try specimen.trialInTask(form) { trial in
      if helper == nil, specimen.traits.contains(.pends) { try trial.makeReady() }
      let performer = trial.startTask()
      if let helper {
        waitUntilAllParked()
        try trial.bench.start(at: helper) { try trial.fixture.makeReady() }.result()
      }
      trial.expectCommit(try performer.report(), location: #_sourceLocation)
    }
  }

  @Test(arguments: Case.all(having: [.pends], without: [.isTimed, .breaks], in: forms))
  func aCancelledWaitOfATaskHasNoEffect(example: Case) throws {
    try interrupt(example.specimen, example.form, .cancelled)
  }

  @Test(arguments: Case.all(having: [.pends], without: [.isTimed], in: forms))
  func anOperationThatTimesOutInATaskHasNoEffect(example: Case) throws {
    try interrupt(example.specimen, example.form, .timedOut)
  }

  private func interrupt(_ specimen: some AnySpecimen, _ form: Form, _ outcome: Outcome) throws {
    try specimen.trialInTask(form) { trial in
      let performer = trial.startTask(timeout: outcome == .timedOut ? .milliseconds(1) : nil)
      waitUntilAllParked()
      if outcome == .cancelled { performer.cancel() }
      let report = try performer.report()
      expectEqual(report.outcome, outcome)
      if report.calls != Tally() { expectEqual(report.calls, form.calls(.nothing, committed: false)) }
      waitUntilAllParked()
      trial.expectNoEffect(location: #_sourceLocation)
      guard specimen.traits.contains(.readiesWhileParked) else { return }
      let again = trial.startTask()
      try trial.bench.start(at: .oneWorker) { try trial.fixture.makeReady() }.result()
      trial.expectCommit(try again.report(), location: #_sourceLocation)
    }
  }
}

extension AnySpecimen {
  /// Tries this operation in a form that a task performs.
  fileprivate func trialInTask(_ form: Form, _ body: (Trial<Value>) throws -> Void) throws {
    try Bench.run(at: .oneWorker, isExternal: true) { bench in
      let fixture = try make(bench)
      try body(Trial(bench: bench, place: .oneWorker, specimen: self, form: form, fixture: fixture))
    }
  }
}

extension Trial {
  /// Lets a task perform the operation in the trial's form.
  fileprivate func startTask(timeout: Duration? = nil) -> PerformingTask<Value> {
    let witness = Witness()
    let op = form.apply(fixture.op, witness)
    return PerformingTask(timeout.map { op.orTimeout(after: $0) } ?? op, fixture, witness)
  }
}

/// A task that performs an operation.
private final class PerformingTask<Value: Sendable>: Sendable {
  private let task: Task<Void, Never>
  private let finished: Promise<Trial<Value>.Report>

  init(_ op: Op<Value>, _ fixture: Fixture<Value>, _ witness: Witness) {
    let op = Box(op)
    let finished = Promise<Trial<Value>.Report>()
    self.finished = finished
    task = Task.detached(executorPreference: ThreadExecutor.shared) {
      let result: Result<Value, any Error>
      do { result = .success(try await op.value.perform()) } catch { result = .failure(error) }
      finished.fulfill(
        Trial<Value>.Report(outcome: Outcome(fixture) { try result.get() }, calls: witness.tally))
    }
  }

  func cancel() { task.cancel() }

  /// Waits for the end of the perform.
  func report() throws -> Trial<Value>.Report { try finished.wait() }
}
