import Nursery
import Testing

/// An operation may become ready after it has been polled and before its offer is left, while the other branches can be committed
/// already.
@Suite(.timeLimit(.minutes(1))) struct EnlistingLawTests {
  private static let cases = Case.all(
    having: [.pends, .readiesWhileParked], without: [.isTimed, .readiesSlowly], in: Form.operations)

  @Test(arguments: cases) func whatHasBecomeReadySinceThePollCommits(example: Case) throws {
    try check(example.specimen, example.form, .nothing)
  }

  @Test(arguments: cases) func whatHasBecomeReadyIsLeftAloneIfAnotherBranchHasCommitted(example: Case) throws {
    try check(example.specimen, example.form, .commit)
  }

  @Test(arguments: cases) func whatHasBecomeReadyIsLeftAloneIfTheScopeHasBeenCancelled(example: Case) throws {
    try check(example.specimen, example.form, .cancellation)
  }

  private func check(_ specimen: some AnySpecimen, _ form: Form, _ event: Event) throws {
    try Bench.run(at: .oneWorker, isExternal: true) { bench in
      let fixture = try specimen.make(bench)
      let trial = Trial(bench: bench, place: .oneWorker, specimen: specimen, form: form, fixture: fixture)
      let report = trial.perform(beset: event)
      guard event != .nothing else { return trial.expectCommit(report, location: #_sourceLocation) }
      trial.expectNoEffect(location: #_sourceLocation)
      expectEqual(report.outcome, event == .commit ? Outcome(fixture) { fixture.other } : .cancelled)
      expectEqual(report.calls, form.calls(.nothing, committed: false))
      trial.expectCommit(trial.perform(), location: #_sourceLocation)
    }
  }
}

/// What happens to the perform just before the operation is asked for the second time.
private enum Event {
  case nothing
  case commit
  case cancellation
}

extension Trial {
  /// Performs a choice of which the operation is the last branch; it becomes ready, and the event happens, when the branches before
  /// it have left their offers.
  fileprivate func perform(beset event: Event) -> Report {
    report { witness in
      var result: Result<Value, any Error>?
      try withCancelScope { scope in
        let pivot = Pivot<Value> { waiter in
          // The performer is in the middle of a perform and must not begin another.
          do { try PlainThread { try fixture.makeReady() }.join() } catch { return }
          switch event {
          case .nothing: break
          case .commit: waiter.commit(fixture.other)
          case .cancellation: scope.cancel()
          }
        }
        let quiet = Channel<Value>().receiveOp()
        let choice = Op.biased([quiet, Op(base: pivot), form.apply(fixture.op, witness)])
        result = Result { try choice.perform() }
      }
      return try result!.get()
    }
  }
}

/// An operation that is never ready, but does something when its waiter is enlisted.
private struct Pivot<Value>: BaseOperation {
  let action: (Waiter<Value>) -> Void

  func poll() -> Value? { nil }
  func enlist(_ waiter: Waiter<Value>) { action(waiter) }
  func withdraw(_ waiter: Waiter<Value>) {}
}
