import Nursery

/// A way in which a perform or a poll ends without committing the operation under test.
enum Interruption: Sendable {
  /// Another branch is ready.
  case lostAtOnce
  /// Another branch becomes ready first.
  case lostWhileParked
  /// The scope is cancelled before the perform.
  case cancelledBefore
  /// The same, and it is polled.
  case cancelledBeforePoll
  case cancelledWhileParked
  /// The deadline of a scope passes.
  case timedOut
  /// A branch with a timeout commits.
  case orTimedOut
  /// It is polled, and is not ready.
  case polled

  /// Whether the attempt ends before it begins: no guard runs, and no branch is abandoned.
  var comesOnEntry: Bool { self == .cancelledBefore || self == .cancelledBeforePoll }
  /// Whether the perform returns the other branch's value.
  var isLoss: Bool { self == .lostAtOnce || self == .lostWhileParked }

  /// How the interrupted attempt ends.
  func outcome<Value>(_ fixture: Fixture<Value>) -> Outcome {
    switch self {
    case .lostAtOnce, .lostWhileParked: Outcome(fixture) { fixture.other }
    case .cancelledBefore, .cancelledBeforePoll, .cancelledWhileParked: .cancelled
    case .timedOut, .orTimedOut: .timedOut
    case .polled: .nothing
    }
  }
}

/// The state shared by the performer and the code that interrupts it.
struct Stage<Value: Sendable>: Sendable {
  /// The other branch.
  let rival = Channel<Value>()
  let scopes = Channel<CancelScope>(.bounded(1))
  let rivalWins = Counter()
  /// The performer waits for it afterwards; a leftover offer of the operation would be mistaken for its offer.
  let decoy = Channel<Value>()
  let isInterrupted = Condition()
  let isPastDecoy = Condition()
}

extension Trial {
  /// Makes an attempt that is interrupted.
  func attempt(_ interruption: Interruption, _ stage: Stage<Value>, _ witness: Witness) throws -> Value? {
    switch interruption {
    case .lostAtOnce:
      let rival = Op.always(fixture.other).wrap { stage.win($0) }
      return try Op.biased([rival, form.apply(fixture.op, witness)]).perform()
    case .lostWhileParked, .cancelledWhileParked, .timedOut:
      return try wait(interruption, fixture, stage, witness, for: bench.impatience)
    case .cancelledBefore:
      return try inScope { scope in
        scope.cancel()
        return try form.perform(fixture, witness)
      }
    case .cancelledBeforePoll:
      return try inScope { scope in
        scope.cancel()
        return try form.apply(fixture.op, witness).poll()
      }
    case .orTimedOut:
      return try form.apply(fixture.op, witness).orTimeout(after: bench.impatience).perform()
    case .polled:
      return try form.apply(fixture.op, witness).poll()
    }
  }

  /// Waits for the decoy in the same way as before, so that its offers are at the same addresses.
  func waitForDecoy(_ interruption: Interruption, _ stage: Stage<Value>, _ witness: Witness) throws -> Value? {
    let decoy = Fixture(op: stage.decoy.receiveOp(), verb: { try stage.decoy.receive() }, other: fixture.other)
    return try wait(interruption, decoy, stage, witness, for: .seconds(3600))
  }

  private func wait(
    _ interruption: Interruption, _ fixture: Fixture<Value>, _ stage: Stage<Value>, _ witness: Witness,
    for duration: Duration
  ) throws -> Value {
    switch interruption {
    case .lostWhileParked:
      let rival = stage.rival.receiveOp().wrap { stage.win($0) }
      return try Op.biased([form.apply(fixture.op, witness), rival]).perform()
    case .cancelledWhileParked:
      return try inScope { scope in
        try stage.scopes.send(scope)
        return try form.perform(fixture, witness)
      }
    case .timedOut: return try withTimeout(duration) { try form.perform(fixture, witness) }
    default: return try form.perform(fixture, witness)
    }
  }

  /// A cancel scope that does not absorb its cancellation.
  private func inScope<Product>(_ body: (CancelScope) throws -> Product) throws -> Product {
    var result: Result<Product, any Error>?
    try withCancelScope { scope in result = Result { try body(scope) } }
    return try result!.get()
  }

  /// Makes the interruption happen from outside.
  func interrupt(_ interruption: Interruption, _ stage: Stage<Value>) throws {
    switch interruption {
    case .lostWhileParked:
      waitUntilAllParked()
      try stage.rival.send(fixture.other)
    case .cancelledWhileParked:
      let scope = try stage.scopes.receive()
      waitUntilAllParked()
      scope.cancel()
    default: break
    }
  }
}

extension Stage {
  fileprivate func win(_ value: Value) -> Value {
    rivalWins.add()
    return value
  }
}
