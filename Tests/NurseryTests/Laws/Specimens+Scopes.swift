import Nursery

extension Specimens {
  static let scopes: [any AnySpecimen] = [
    Specimen("nursery.cancelledOp()", .usual.union([.lacksVerb])) { bench in
      let inner = try bench.openNursery()
      return Fixture(op: inner.cancelledOp(), other: (), makeReady: { inner.cancel() })
    },
    Specimen("nursery.drainingOp()", .usual.union([.lacksVerb])) { bench in
      let inner = try bench.openNursery()
      return Fixture(op: inner.drainingOp(), other: (), makeReady: { inner.drain(grace: .seconds(1_000_000)) })
    },
    Specimen("scope.cancelledOp()", .usual.union([.lacksVerb])) { bench in
      let opened = Channel<CancelScope>(.bounded(1))
      bench.nursery.goAsync {
        try withCancelScope { scope in
          try opened.send(scope)
          try Op<Void>.never.perform()
        }
      }
      let scope = try opened.receive()
      return Fixture(op: scope.cancelledOp(), other: (), makeReady: { scope.cancel() })
    },
    Specimen("cancellationOp() of another fiber's scope", .usual.union([.lacksVerb])) { bench in
      let opened = Channel<(Box<Op<Void>>, CancelScope)>(.bounded(1))
      bench.nursery.goAsync {
        try withCancelScope { scope in
          try opened.send((Box(cancellationOp()), scope))
          try Op<Void>.never.perform()
        }
      }
      let (cancellation, scope) = try opened.receive()
      return Fixture(op: cancellation.value, other: (), makeReady: { scope.cancel() })
    },
  ]
}

extension Bench {
  /// A nursery that another fiber keeps open until it is cancelled.
  fileprivate func openNursery() throws -> Nursery {
    let opened = Channel<Nursery>(.bounded(1))
    nursery.goAsync {
      try withNursery { inner in
        try opened.send(inner)
        try Op<Void>.never.perform()
      }
    }
    return try opened.receive()
  }
}
