import Nursery

extension Specimens {
  static let constants: [any AnySpecimen] = [
    Specimen("always", [.readiesBefore, .lacksVerb]) { _ in
      Fixture(op: .always(7), other: 3, isRight: { $0 == 7 })
    },
    Specimen("failing", [.readiesBefore, .lacksVerb], outcome: .failed("Oops")) { _ in
      Fixture(op: .failing(Oops()), other: 3)
    },
    Specimen("never", [.pends, .lacksVerb]) { _ in
      Fixture(op: .never, other: 3)
    },
  ]

  static let waits: [any AnySpecimen] = [
    Specimen("wait for a condition") { _ in
      let condition = Condition()
      return Fixture(
        op: condition.waitOp(), verb: { try condition.wait() }, other: (), makeReady: { condition.signal() })
    },
    Specimen("wait for a nack", .usual.union([.readiesSlowly])) { bench in
      let nacks = Channel<Nack>(.bounded(1))
      let lose = Condition()
      let request = Op<Void>.withNack { nack in
        try nacks.send(nack)
        return .never
      }
      let client = Box(request.or(lose.waitOp()))
      bench.nursery.goAsync("client") { try client.value.perform() }
      let nack = try nacks.receive()
      return Fixture(op: nack.waitOp(), verb: { try nack.wait() }, other: (), makeReady: { lose.signal() })
    },
    Specimen("wait for a fiber that completes", .usual.union([.readiesSlowly])) { bench in
      let end = Condition()
      let fiber = bench.nursery.goAsync {
        try end.wait()
        return 7
      }
      return Fixture(
        op: fiber.waitOp(), verb: { try fiber.wait() }, other: 3, isRight: { $0 == 7 }, makeReady: { end.signal() })
    },
    Specimen("wait for a fiber that fails", .usual.union([.readiesSlowly]), outcome: .failed("Oops")) { bench in
      let end = Condition()
      let started = Channel<Fiber<Int>>(.bounded(1))
      bench.nursery.goAsync {
        try? withNursery(onFailure: .supervise) { inner in
          try started.send(
            inner.goAsync {
              try end.wait()
              throw Oops()
            })
        }
      }
      let fiber = try started.receive()
      return Fixture(op: fiber.waitOp(), verb: { try fiber.wait() }, other: 3, makeReady: { end.signal() })
    },
    Specimen("cancel a fiber and wait for it", .usual.union([.readiesSlowly])) { bench in
      let end = Condition()
      let fiber = bench.nursery.goAsync { try withShield { try end.wait() } }
      return Fixture(
        op: fiber.cancelAndWaitOp(), verb: { try fiber.cancelAndWait() }, other: (), makeReady: { end.signal() })
    },
    Specimen("an attempt that is tried again", .usual.union([.lacksVerb, .isTried])) { _ in
      let number = Guarded<Int?>(nil)
      let readiness = Readiness("a number")
      return Fixture(
        op: readiness.whenReadyOp { number.withLock { $0 } }, other: 3, isRight: { $0 == 7 },
        makeReady: {
          number.withLock { $0 = 7 }
          readiness.signal()
        })
    },
    Specimen("an attempt that fails", .usual.union([.lacksVerb, .isTried]), outcome: .failed("Oops")) { _ in
      let isBroken = Guarded(false)
      let readiness = Readiness("trouble")
      return Fixture(
        op: readiness.whenReadyOp { if isBroken.withLock({ $0 }) { throw Oops() } else { nil } }, other: 3,
        makeReady: {
          isBroken.withLock { $0 = true }
          readiness.signal()
        })
    },
    Specimen("a primitive of a user's own", .usual.union([.lacksVerb, .isPrimitive])) { _ in
      let turnstile = Turnstile()
      return Fixture(
        op: Op(base: turnstile), other: 3, isRight: { $0 == 7 }, makeReady: { turnstile.insertToken() },
        effects: { turnstile.passed }, effectsOfCommit: 1, waiters: { turnstile.waiting })
    },
  ]
}
