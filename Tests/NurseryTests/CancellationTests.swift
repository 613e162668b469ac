import Nursery
import Testing

/// A cancellation reaches everything inside and stays; calls that have committed keep their effect.
struct CancellationTests {
  /// Every call that can block, for a cancelled scope: each must throw although some could proceed.
  private func expectEveryCallThrows() throws {
    let ready = Channel<Int>(.bounded(4))
    let signalled = Condition()
    signalled.signal()
    expectThrows(CancellationError.self) { try sleep(for: .zero) }
    expectThrows(CancellationError.self) { try sleep(for: .seconds(1)) }
    expectThrows(CancellationError.self) { try ready.send(1) }
    expectThrows(CancellationError.self) { try ready.sendOp(1).perform() }
    expectThrows(CancellationError.self) { try ready.sendOp(1).poll() }
    #expect(ready.count == 0)
    #expect(try ready.trySend(2))
    expectThrows(CancellationError.self) { try ready.receive() }
    expectThrows(CancellationError.self) { try ready.receiveOp().perform() }
    expectThrows(CancellationError.self) { try choose(ready.receiveOp(), .always(1)) }
    #expect(Array(ready) == [])
    #expect(ready.count == 1)
    expectThrows(CancellationError.self) { try signalled.wait() }
    expectThrows(CancellationError.self) { try Op.always(1).perform() }
    expectThrows(CancellationError.self) { try Fiber.checkCancellation() }
    #expect(Fiber.isCancelled)
  }

  @Test(arguments: parallelisms) func itIsLevelTriggered(workers: Int) throws {
    try virtually(workers) {
      let ended = goAsync { 1 }
      _ = try ended.wait()
      try withNursery { nursery in
        nursery.cancel()
        try expectEveryCallThrows()
        try expectEveryCallThrows()
        try withTimeout(.seconds(1)) { try expectEveryCallThrows() }
        expectThrows(CancellationError.self) { try ended.wait() }
        expectThrows(CancellationError.self) { try withNursery { _ in try sleep(for: .zero) } }
      }
      try sleep(for: .zero)
      try withCancelScope { scope in
        scope.cancel()
        try expectEveryCallThrows()
      }
      #expect(!Fiber.isCancelled)
    }
  }

  @Test(arguments: parallelisms) func itReachesParkedFibersAtAnyDepth(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let value = try withNursery { nursery in
        for kind in 0..<6 {
          nursery.goAsync {
            defer { ended.add() }
            try withNursery { inner in
              inner.goAsync {
                defer { ended.add() }
                try withTimeout(.seconds(1_000_000)) {
                  switch kind {
                  case 0: try sleep(for: .seconds(100_000))
                  case 1: _ = try Channel<Int>().receive()
                  case 2: try Channel<Int>().send(1)
                  case 3: try Condition().wait()
                  case 4: _ = try choose(Channel<Int>().receiveOp(), Channel<Int>().receiveOp())
                  default: try withNursery { _ = $0.goAsync { try Op<Void>.never.perform() } }
                  }
                }
              }
            }
          }
        }
        try sleep(for: .seconds(1))
        nursery.cancel()
        return 5
      }
      #expect(value == 5)
    }
    #expect(ended.value == 12)
  }

  @Test(arguments: parallelisms) func aChildOfACancelledNurseryNeverRuns(workers: Int) throws {
    let runs = Counter()
    try virtually(workers) {
      let handle = try withNursery { nursery in
        nursery.cancel()
        let handle = nursery.goAsync { runs.add() }
        #expect(handle.isFinished)
        return handle
      }
      expectThrows(CancellationError.self) { try handle.wait() }
      let census = Census()
      try withNursery { nursery in
        nursery.cancel()
        let member = census.make()
        nursery.goAsync { _ = member.number }
      }
      #expect(census.count == 0)
    }
    #expect(runs.value == 0)
  }

  @Test func theBodysValueIsReturnedAfterACancel() throws {
    try virtually {
      let value = try withNursery { nursery in
        nursery.goAsync { try Op<Void>.never.perform() }
        nursery.cancel("enough")
        return 8
      }
      #expect(value == 8)
      try withNursery { nursery in
        nursery.cancel()
        try sleep(for: .zero)
      }
      let error = expectThrows(NurseryCancelledError.self) {
        try withNursery("search") { nursery in
          nursery.cancel("enough")
          return try Op<Int>.never.perform()
        }
      }
      #expect(error?.reason == .requested("enough"))
      #expect(error?.nursery == "search")
      #expect(error.map { "\($0)".contains("was cancelled before its body had returned a value (enough)") } == true)
      expectThrows(Oops(1)) {
        try withNursery { nursery in
          nursery.cancel()
          throw Oops(1)
        }
      }
    }
  }

  @Test(arguments: parallelisms) func aTimeoutThatEndsTheChildrenIsReportedByTheTimeout(workers: Int) throws {
    try virtually(workers) {
      expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) {
          try withNursery { nursery in
            for _ in 0..<2 { nursery.goAsync { try sleep(for: .seconds(10)) } }
          }
        }
      }
      // Children that have still completed were not interrupted.
      let value = try withTimeout(.seconds(1)) {
        try withNursery { nursery in
          nursery.goAsync { try? sleep(for: .seconds(10)) }
          return 1
        }
      }
      #expect(value == 1)
      // Neither a cancellation of an inner nursery nor a real error is lost.
      let inner: Int? = try withCancelScope { scope in
        try withNursery { nursery in
          nursery.goAsync { try withNursery { $0.goAsync { try sleep(for: .seconds(10)) } } }
          nursery.goAsync { scope.cancel() }
          return 2
        }
      }
      #expect(inner == nil)
      expectThrows(Oops(3)) {
        try withTimeout(.seconds(1)) {
          try withNursery { nursery in
            nursery.goAsync { try sleep(for: .seconds(10)) }
            nursery.goAsync { do { try sleep(for: .seconds(10)) } catch { throw Oops(3) } }
          }
        }
      }
    }
  }

  @Test func iterationEndsInACancelledScopeAndTheNextCallThrows() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(3))
      try channel.send(1)
      let fiber = goAsync { () -> Int in
        var seen = 0
        for number in channel { seen += number }
        expectThrows(CancellationError.self) { try sleep(for: .zero) }
        return seen
      }
      Fiber.yield()
      fiber.cancel()
      try #expect(fiber.wait() == 1)
    }
  }

  @Test(arguments: parallelisms) func theCancellationOfANurseryIsAnOperation(workers: Int) throws {
    try virtually(workers) {
      let nurseries = Channel<Nursery>()
      let watcher = goAsync { () -> String in
        let nursery = try nurseries.receive()
        return try choose(nursery.cancelledOp().wrap { "cancelled" }, timeoutOp(after: .seconds(10)).wrap { "not" })
      }
      try withNursery { nursery in
        try nurseries.send(nursery)
        try sleep(for: .seconds(1))
        nursery.cancel()
      }
      try #expect(watcher.wait() == "cancelled")
    }
  }

  @Test func cancellingFromAPlainThreadWorks() throws {
    for _ in 0..<50 {
      let nurseries = Channel<Nursery>()
      let thread = PlainThread { try nurseries.receive().cancel() }
      try runFibers(Configuration(parallelism: 2)) {
        try withNursery { nursery in
          for _ in 0..<5 { nursery.goAsync { try Op<Void>.never.perform() } }
          try nurseries.send(nursery)
        }
      }
      try thread.join()
    }
  }
}
