import Nursery

/// Leases, limits, flights and batches.
extension Specimens {
  static let resilience: [any AnySpecimen] = [
    Specimen("lease a resource", .usual.union([.readiesSlowly])) { bench in
      let pool = ResourcePool(in: bench.nursery, limit: 1) { 7 }
      let first = try pool.leaseOp().perform()
      let isFree = Condition()
      let kept = Log<ResourcePool<Int>.Lease>()
      let keep = { (lease: ResourcePool<Int>.Lease) in
        kept.append(lease)
        return lease.resource
      }
      return Fixture(
        op: pool.leaseOp().wrap(keep), verb: { keep(try pool.leaseOp().perform()) }, other: 3, isRight: { $0 == 7 },
        makeReady: {
          isFree.signal()
          first.end()
        },
        effects: { isFree.isSignalled ? pool.statistics.lent : 0 }, effectsOfCommit: 1,
        waiters: { pool.statistics.waiting })
    },
    Specimen("pass a rate limiter", [.pends, .readiesWhileParked, .isTimed]) { bench in
      let limiter = RateLimiter(1, per: bench.patience)
      try limiter.acquire()
      return Fixture(op: limiter.acquireOp(), verb: { try limiter.acquire() }, other: ())
    },
    Specimen("take a tick", [.pends, .readiesWhileParked, .isTimed]) { bench in
      let ticker = Ticker(every: bench.patience, missed: .burst)
      return Fixture(
        op: ticker.tickOp().wrap { 7 + $0.skipped }, verb: { 7 + (try ticker.wait()).skipped }, other: 3,
        isRight: { $0 == 7 })
    },
    Specimen("share a flight", .usual.subtracting([.readiesBefore]).union([.readiesSlowly, .needsTime])) { bench in
      let mayLand = Condition()
      let flights = SingleFlight<Int, Int>(in: bench.nursery) { key in
        try mayLand.wait()
        return key
      }
      return Fixture(
        op: flights.valueOp(for: 7), verb: { try flights.value(for: 7) }, other: 3, isRight: { $0 == 7 },
        makeReady: { mayLand.signal() })
    },
    Specimen("call in a batch", .usual.subtracting([.readiesBefore]).union([.readiesSlowly, .needsTime])) { bench in
      let mayAnswer = Condition()
      let batcher = Batcher<Int, Int>(in: bench.nursery, upTo: 1, orAfter: .zero) { requests in
        try mayAnswer.wait()
        return requests.map { $0 + 1 }
      }
      return Fixture(
        op: batcher.callOp(6), verb: { try batcher.call(6) }, other: 3, isRight: { $0 == 7 },
        makeReady: { mayAnswer.signal() })
    },
  ]
}
