import Nursery
import Testing

/// `drain(grace:)`: a shutdown in two phases.
struct DrainTests {
  /// A server that stops accepting when it is drained; each request takes `requestTime`.
  private func serve(_ nursery: Nursery, requestTime: Duration, _ log: Log<String>) {
    nursery.goAsync("accept") {
      var number = 0
      while true {
        let isOver = try choose(
          nursery.drainingOp().wrap { true }, sleepOp(for: .seconds(1)).wrap { false })
        if isOver { return log.append("stopped accepting") }
        number += 1
        let request = number
        nursery.goAsync {
          do {
            try sleep(for: requestTime)
            log.append("served \(request)")
          } catch {
            log.append("aborted \(request): \(Fiber.cancellationReason!)")
          }
        }
      }
    }
  }

  @Test(arguments: parallelisms) func withinTheGraceAFiberThatChecksFinishesAndNoneIsCancelled(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let start = FiberClock.now
      let value = try withNursery { nursery in
        serve(nursery, requestTime: .seconds(2), log)
        try sleep(for: .milliseconds(1500))
        #expect(!nursery.isDraining)
        nursery.drain(grace: .seconds(10))
        #expect(nursery.isDraining)
        #expect(!nursery.isCancelled)
        return 1
      }
      #expect(value == 1)
      #expect(FiberClock.now - start == .seconds(3))
    }
    #expect(log.entries == ["stopped accepting", "served 1"])
  }

  @Test(arguments: parallelisms) func whenTheGraceIsOverTheRestIsCancelled(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let start = FiberClock.now
      try withNursery { nursery in
        serve(nursery, requestTime: .seconds(100), log)
        try sleep(for: .milliseconds(1500))
        nursery.drain(grace: .seconds(10))
      }
      #expect(FiberClock.now - start == .milliseconds(11_500))
    }
    #expect(log.entries == ["stopped accepting", "aborted 1: it was drained and the grace is over"])
  }

  @Test func drainingReachesTheNurseriesInside() throws {
    let log = Log<String>()
    try virtually {
      try withNursery { outer in
        outer.goAsync {
          try withShield {
            try withTimeout(.seconds(1000)) {
              try withNursery { inner in
                try inner.drainingOp().perform()
                log.append("\(inner.isDraining)")
              }
            }
          }
        }
        try sleep(for: .seconds(1))
        outer.drain(grace: .seconds(100))
        try withNursery { later in
          try later.drainingOp().perform()
          log.append("later too")
          later.drain(grace: .seconds(1))
        }
      }
      try withNursery { #expect(!$0.isDraining) }
    }
    #expect(log.entries.sorted() == ["later too", "true"])
  }

  @Test func theGraceThatEndsFirstCounts() throws {
    try virtually {
      let start = FiberClock.now
      try withNursery { nursery in
        nursery.drain(grace: .seconds(10))
        nursery.drain(grace: .seconds(3))
        nursery.drain(grace: .seconds(7))
        try? sleep(for: .seconds(100))
        #expect(nursery.reason == .drained)
      }
      #expect(FiberClock.now - start == .seconds(3))
      try withNursery { nursery in
        nursery.drain(grace: .seconds(10))
        nursery.drain(grace: .zero)
        #expect(nursery.isCancelled)
      }
      #expect(FiberClock.now - start == .seconds(3))
    }
  }

  @Test func drainingFromAPlainThreadWorks() throws {
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        let thread = PlainThread {
          nursery.drain(grace: .milliseconds(1))
          try withNursery { _ in }
          try nursery.drainingOp().perform()
        }
        // On a slow machine the grace is over before this begins to wait.
        try? nursery.drainingOp().perform()
        try? Op<Void>.never.perform()
        #expect(nursery.reason == .drained)
        try thread.join()
      }
    }
  }

  @Test func codeWithoutTheNurseryMayAskToo() throws {
    try virtually {
      try withNursery { nursery in
        nursery.goAsync {
          #expect(!Fiber.isDraining)
          try withCancelScope { _ in try drainingOp().perform() }
          #expect(Fiber.isDraining)
        }
        try sleep(for: .seconds(1))
        nursery.drain(grace: .seconds(1))
      }
    }
    expectThrows(TimeoutError.self) { try drainingOp().orTimeout(after: .zero).perform() }
  }

  @Test func drainingAClosedNurseryDoesNothing() throws {
    let kept = try virtually { try withNursery { $0 } }
    kept.drain(grace: .seconds(1))
    #expect(!kept.isDraining)
    #expect(!kept.isCancelled)
  }
}
