import Nursery

/// A way to use an operation; no form changes the operation's effect.
enum Form: String, CaseIterable, Sendable {
  case bare
  case wrapped
  case wrappedTwice
  case recovered
  case guarded
  case withNack
  case onAbandon
  case first
  case last
  case besideAReceive
  case nested
  case biased
  case ofNine
  case orTimeout
  case orTimeoutTwice
  /// Timeouts that lose, at every level of a combination.
  case timeouts
  case everything
  /// Performed by `choose`, which has its own code paths.
  case chosen
  /// The blocking call instead of the operation.
  case verb

  /// Enough forms for laws that do not depend on the form: each code path of a perform is among them.
  static let few: [Form] = [.bare, .ofNine, .everything, .chosen, .verb]
  /// The forms that are operations again.
  static let operations = allCases.filter { $0 != .chosen && $0 != .verb }

  /// The operation in this form.
  func apply<Value: Sendable>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    let quiet = Channel<Value>().receiveOp()
    return switch self {
    case .bare, .chosen, .verb: op
    case .wrapped: wrap(op, witness)
    case .wrappedTwice: wrap(op.wrap { $0 }, witness)
    case .recovered: recover(op, witness)
    case .guarded: guarded(op, witness)
    case .withNack: withNack(op, witness)
    case .onAbandon: onAbandon(op, witness)
    case .first: op.or(.never)
    case .last: .choice([.never, op])
    case .besideAReceive: .choice([quiet, op])
    case .nested: .choice([.never, .choice([quiet, .biased([op, .never])])])
    case .biased: .biased([quiet, op, .never])
    case .ofNine: .choice([quiet, quiet, quiet, quiet, op, quiet, quiet, quiet, quiet])
    case .orTimeout: op.orTimeout(after: .seconds(3600))
    case .orTimeoutTwice: op.orTimeout(after: .seconds(3600)).orTimeout(after: .seconds(1800))
    case .timeouts:
      withNack(
        .choice([
          quiet.orTimeout(after: .seconds(3600)),
          onAbandon(
            wrap(recover(guarded(op.orTimeout(after: .seconds(3600)), witness), witness), witness).or(.never).orTimeout(
              after: .seconds(1800)), witness),
        ]), witness
      ).orTimeout(after: .seconds(3600))
    case .everything:
      withNack(
        .choice([quiet, onAbandon(wrap(recover(guarded(op, witness), witness), witness).or(.never), witness)]), witness)
    }
  }

  /// The calls that one perform must make, given how it ends.
  ///
  /// A perform in a cancelled scope does not begin.
  func calls(_ outcome: Outcome, committed: Bool) -> Tally {
    let uses = { (forms: Form...) in forms.contains(self) || self == .everything || self == .timeouts ? 1 : 0 }
    var calls = Tally()
    calls.guards = uses(.guarded)
    calls.nacks = uses(.withNack)
    if committed {
      if outcome == .value { calls.wraps = uses(.wrapped, .wrappedTwice) } else { calls.handlers = uses(.recovered) }
    } else {
      calls.abandonments = uses(.onAbandon)
      calls.firedNacks = uses(.withNack)
    }
    return calls
  }

  /// Performs the operation in this form.
  func perform<Value>(_ fixture: Fixture<Value>, _ witness: Witness) throws -> Value {
    switch self {
    case .verb: try fixture.verb!()
    case .chosen: try choose(fixture.op, Channel<Value>().receiveOp())
    default: try apply(fixture.op, witness).perform()
    }
  }

  private func wrap<Value>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    op.wrap {
      witness.wraps.add()
      return $0
    }
  }

  private func recover<Value>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    op.recover {
      witness.handlers.add()
      throw $0
    }
  }

  private func guarded<Value>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    .guarded {
      witness.guards.add()
      return op
    }
  }

  private func withNack<Value>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    .withNack { nack in
      witness.nacks.append(nack)
      return op
    }
  }

  private func onAbandon<Value>(_ op: Op<Value>, _ witness: Witness) -> Op<Value> {
    op.onAbandon { witness.abandonments.add() }
  }
}
