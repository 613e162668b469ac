import Nursery

extension Specimens {
  static let timers: [any AnySpecimen] = [
    Specimen("timeoutOp(after:)", [.pends, .readiesWhileParked, .isTimed, .lacksVerb]) { bench in
      Fixture(op: timeoutOp(after: bench.patience), other: ())
    },
    Specimen("sleepOp(for:)", [.pends, .readiesWhileParked, .isTimed]) { bench in
      let patience = bench.patience
      return Fixture(op: sleepOp(for: patience), verb: { try sleep(for: patience) }, other: ())
    },
    Specimen("sleepOp(until:)", .usual.union([.isTimed])) { bench in
      let due = FiberClock.now + bench.patience
      return Fixture(
        op: sleepOp(until: due), verb: { try sleep(until: due) }, other: (), makeReady: { try sleep(until: due) })
    },
    Specimen("timeoutOp(after: .zero)", [.readiesBefore]) { _ in
      Fixture(op: timeoutOp(after: .zero), verb: { try sleep(for: .zero) }, other: ())
    },
    Specimen("sleepOp(until:) in the past", [.readiesBefore]) { _ in
      let due = FiberClock.now - .seconds(1)
      return Fixture(op: sleepOp(until: due), verb: { try sleep(until: due) }, other: ())
    },
  ]
}
