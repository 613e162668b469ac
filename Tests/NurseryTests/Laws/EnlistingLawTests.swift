import Nursery
import Testing

/// An operation may become ready after it has been polled and before its offer is left, when the other branches can
/// already be committed.
struct EnlistingLawTests {
  private static let cases = Case.all(
    having: [.pends, .readiesWhileParked], without: [.isTimed, .readiesSlowly], in: Form.operations)

  @Test(arguments: cases) func aSourceThatBecomesReadySinceThePollCommits(example: Case) throws {
    try check(example.specimen, example.form, .nothing)
  }

  @Test(arguments: cases) func aSourceThatBecomesReadyIsLeftAloneIfAnotherBranchHasCommitted(example: Case) throws {
    try check(example.specimen, example.form, .commit)
  }

  @Test(arguments: cases) func aSourceThatBecomesReadyIsLeftAloneIfTheScopeHasBeenCancelled(example: Case) throws {
    try check(example.specimen, example.form, .cancellation)
  }

  /// Its offer has been left when it becomes ready.
  @Test(arguments: cases.filter { $0.specimen.traits.isDisjoint(with: [.isExternal, .isTried]) })
  func aCommitBeatsACancellationThatComesLater(example: Case) throws {
    try check(example.specimen, example.form, .cancellationAfterwards)
  }

  @Test(arguments: cases) func aCancellationBeatsACommitThatComesLater(example: Case) throws {
    try check(example.specimen, example.form, .cancellationBefore)
  }

  @Test(
    arguments: Case.all(
      having: [.pends, .readiesWhileParked], without: [.isTimed, .readiesSlowly],
      in: Form.few.filter(Form.operations.contains)))
  func inATaskASourceThatBecomesReadySinceThePollCommitsOnlyIfNoneHas(example: Case) throws {
    try check(example.specimen, example.form, .nothing, inTask: true)
    try check(example.specimen, example.form, .commit, inTask: true)
  }

  private func check(_ specimen: some AnySpecimen, _ form: Form, _ event: Event, inTask: Bool = false) throws {
    try Bench.run(at: .oneWorker, isExternal: true) { bench in
      let fixture = try specimen.make(bench)
      let trial = Trial(bench: bench, place: .oneWorker, specimen: specimen, form: form, fixture: fixture)
      let report = inTask ? trial.performInTask(beset: event) : trial.perform(beset: event)
      if event == .nothing || event == .cancellationAfterwards {
        return trial.expectCommit(report, location: #_sourceLocation)
      }
      trial.expectNoEffect(location: #_sourceLocation)
      expectEqual(report.outcome, event == .commit ? Outcome(fixture) { fixture.other } : .cancelled)
      expectEqual(report.calls, form.calls(.nothing, committed: false))
      trial.expectCommit(trial.perform(), location: #_sourceLocation)
    }
  }
}

/// An event during the enlisting of a perform, while the operation becomes ready.
private enum Event {
  case nothing
  case commit
  case cancellation
  /// The operation has left its offer, becomes ready, and the scope is cancelled.
  case cancellationAfterwards
  /// The operation has left its offer, the scope is cancelled, and the operation becomes ready.
  case cancellationBefore
}

extension Trial {
  /// Performs a choice with another branch that causes the events when it is enlisted: before or after the operation is
  /// enlisted.
  fileprivate func perform(beset event: Event) -> Report {
    report { witness in
      var result: Result<Value, any Error>?
      try withCancelScope { scope in
        let deeds: ((Value) -> Bool) -> Void = { commit in
          if event == .cancellationBefore { scope.cancel() }
          // The performer is inside a perform and must not begin another.
          do { try PlainThread { try fixture.makeReady() }.join() } catch { return }
          switch event {
          case .nothing, .cancellationBefore: break
          case .commit: _ = commit(fixture.other)
          case .cancellation, .cancellationAfterwards: scope.cancel()
          }
        }
        let quiet = Channel<Value>().receiveOp()
        let op = form.apply(fixture.op, witness)
        let standsAlready = event == .cancellationAfterwards || event == .cancellationBefore
        // Waiters of primitives are enlisted before any offer, so only another primitive comes before one.
        let comesFirst = specimen.traits.contains(.isPrimitive) && !standsAlready
        let pivot = comesFirst ? Op(base: Pivot(action: deeds)) : Op(EnlistingProbe(deeds))
        let choice = Op.biased(standsAlready ? [op, pivot] : [quiet, pivot, op])
        result = Result { try choice.perform() }
      }
      return try result!.get()
    }
  }
}

extension Trial {
  /// As `perform(beset:)`, by a task.
  fileprivate func performInTask(beset event: Event) -> Report {
    report { witness in
      let deeds: ((Value) -> Bool) -> Void = { commit in
        do { try PlainThread { try fixture.makeReady() }.join() } catch { return }
        if event == .commit { _ = commit(fixture.other) }
      }
      let pivot =
        specimen.traits.contains(.isPrimitive) ? Op(base: Pivot(action: deeds)) : Op(EnlistingProbe(deeds))
      let choice = Box(Op.biased([Channel<Value>().receiveOp(), pivot, form.apply(fixture.op, witness)]))
      let result = Guarded(Result<Value, any Error>.failure(CancellationError()))
      try runAsync(executor: ThreadExecutor.shared) {
        do {
          let value = try await choice.value.perform()
          result.withLock { $0 = .success(value) }
        } catch {
          result.withLock { $0 = .failure(error) }
        }
      }
      return try result.withLock { $0 }.get()
    }
  }
}

/// A primitive that is never ready, but does something when its waiter is enlisted.
private struct Pivot<Value: Sendable>: BaseOperation {
  let action: ((Value) -> Bool) -> Void

  func poll() -> Value? { nil }
  func enlist(_ waiter: Waiter<Value>) { action { waiter.commit($0) } }
  func withdraw(_ waiter: Waiter<Value>) {}
}
