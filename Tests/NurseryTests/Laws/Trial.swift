import Nursery
import Testing

/// One case, tested on one bench.
struct Trial<Value: Sendable>: @unchecked Sendable {
  let bench: Bench
  let place: Bench.Place
  let specimen: any AnySpecimen
  let form: Form
  let fixture: Fixture<Value>

  var isTimed: Bool { specimen.traits.contains(.isTimed) }

  /// The outcome of one perform, as seen by the performer right after it has returned.
  struct Report: Sendable, Equatable {
    var outcome: Outcome
    var calls: Tally
    var hasTakenTime = false
  }

  /// Lets the performer make one attempt.
  func report(_ attempt: (Witness) throws -> Value?) -> Report {
    let witness = Witness()
    let start = FiberClock.now
    let outcome = Outcome(fixture) { try attempt(witness) }
    return Report(outcome: outcome, calls: witness.tally, hasTakenTime: FiberClock.now != start)
  }

  func perform() -> Report { report { try form.perform(fixture, $0) } }

  /// As `perform`, by a task that the calling fiber waits for; what counts is how the perform has ended for the task.
  func performInTask(timeout: Duration? = nil) -> Report {
    report { witness in
      let op = form.apply(fixture.op, witness)
      let performed = Box(timeout.map { op.orTimeout(after: $0) } ?? op)
      let result = Guarded(Result<Value, any Error>.failure(CancellationError()))
      try? runAsync {
        do {
          let value = try await performed.value.perform()
          result.withLock { $0 = .success(value) }
        } catch {
          result.withLock { $0 = .failure(error) }
        }
      }
      return try result.withLock { $0 }.get()
    }
  }

  func makeReady() throws { try bench.makeReady(fixture, isTimed: isTimed) }

  /// Expects the report of a perform that has committed, and its effect.
  func expectCommit(_ report: Report, location: SourceLocation) {
    expectEqual(report.outcome, specimen.outcome, location: location)
    expectEqual(report.calls, form.calls(specimen.outcome, committed: true), location: location)
    waitUntilAllParked()
    expectEqual(fixture.effects(), fixture.effectsOfCommit, location: location)
    expectEqual(fixture.waiters(), 0, location: location)
  }

  /// Expects that the operation had no effect.
  func expectNoEffect(location: SourceLocation) {
    expectEqual(fixture.effects(), 0, location: location)
    expectEqual(fixture.waiters(), 0, location: location)
  }
}

extension AnySpecimen {
  /// Tries this operation in a form: on one worker, and in a few forms also at the other places.
  ///
  /// - Parameter isHelpedFromOutside: whether a plain thread makes it ready.
  func trial(
    _ form: Form, isHelpedFromOutside: Bool = false, _ body: (Trial<Value>) throws -> Void
  ) throws {
    for place in Bench.Place.allCases where place == .oneWorker || Form.few.contains(form) {
      try Bench.run(at: place, isExternal: isHelpedFromOutside || traits.contains(.isExternal)) { bench in
        let fixture = try make(bench)
        try body(Trial(bench: bench, place: place, specimen: self, form: form, fixture: fixture))
      }
    }
  }
}
