import Nursery

extension SharedUse {
  static let resilience = [
    SharedUse("a resource pool") { bench in
      let made = Counter()
      let pool = ResourcePool(in: bench.nursery, limit: 1) {
        try linger()
        return made.add()
      }
      return (
        use: {
          try pool.withResource { _ in try linger() }
          let lease = try pool.leaseOp().perform()
          try linger()
          lease.end()
        },
        check: {
          let now = pool.statistics
          try hold(now.lent == 0 && now.waiting == 0 && now.free == 1 && made.value == 1, "\(now)")
        }
      )
    },
    SharedUse("a rate limiter") { _ in
      let limiters = KeyedRateLimiter<Int>(maximumKeys: 2, [.init(1, per: .seconds(1), burst: 2)])
      return (
        use: {
          let start = FiberClock.now
          try limiters[0].acquire(2)
          try limiters[0].acquireOp().perform()
          try hold(FiberClock.now - start <= .seconds(8), "it waits for permits that a client took along")
        },
        check: {
          try sleep(for: .seconds(2))
          try hold(limiters[0].tryAcquire(2), "the bucket is not full")
        }
      )
    },
    SharedUse("a circuit breaker that is half open") { _ in
      let breaker = CircuitBreaker(failures: 1, coolDown: .seconds(1))
      try? breaker.call { throw Oops() }
      try linger()
      return (
        use: {
          while true {
            do { return try breaker.call { try linger() } } catch is CircuitOpenError { try linger() }
          }
        },
        check: { try hold(breaker.state == .closed(failures: 0), "\(breaker.state)") }
      )
    },
    SharedUse("a flight") { bench in
      let flights = SingleFlight<Int, Int>(in: bench.nursery) { key in
        try linger()
        return -key
      }
      return (
        use: {
          try hold(try flights.value(for: 7) == -7, "another value")
          try hold(try flights.valueOp(for: 7).perform() == -7, "another value")
        },
        check: { try hold(flights.count == 0, "a flight is on its way") }
      )
    },
    SharedUse("a batcher") { bench in
      let batcher = Batcher<Int, Int>(in: bench.nursery, upTo: 2, orAfter: .seconds(1)) { requests in
        try linger()
        return requests.map { -$0 }
      }
      return (
        use: {
          try hold(try batcher.call(7) == -7, "another response")
          try hold(try batcher.callOp(8).perform() == -8, "another response")
        },
        check: {}
      )
    },
    SharedUse("what is tried again") { _ in
      let semaphore = FiberSemaphore(1)
      return (
        use: {
          try retry(.constant(.seconds(1), attempts: 2)) { attempt in
            try semaphore.withPermits { try linger() }
            if attempt == 1 { throw Oops() }
          }
          var isFirst = true
          try supervised(restarts: 1, within: .seconds(9)) {
            try semaphore.withPermits { try linger() }
            defer { isFirst = false }
            if isFirst { throw Oops() }
          }
        },
        check: { try hold(semaphore.freeCount == 1 && semaphore.waitingCount == 0, "a permit is taken") }
      )
    },
    SharedUse("the first successes") { _ in
      let semaphore = FiberSemaphore(1)
      return (
        use: {
          let ask: @Sendable () throws -> Int = {
            try semaphore.withPermits {
              try linger(); return 7
            }
          }
          try hold(try firstSuccesses(1, of: ask, ask) == [7], "another value")
        },
        check: { try hold(semaphore.freeCount == 1 && semaphore.waitingCount == 0, "a permit is taken") }
      )
    },
    SharedUse("a ticker") { _ in
      let ticker = Ticker(every: .seconds(1))
      return (
        use: {
          let first = try ticker.wait().due
          try hold(try ticker.tickOp().perform().due >= first, "a tick of the past")
        },
        check: { try hold(try ticker.wait().skipped == 0, "it skips ticks") }
      )
    },
    SharedUse("an alarm") { _ in
      let alarm = Alarm.atStart(of: .minute)
      return (use: { try alarm.wait() }, check: {})
    },
  ]
}
