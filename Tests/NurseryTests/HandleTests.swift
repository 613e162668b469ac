import Nursery
import Testing

/// Waiting for fibers, and queries of their handles.
struct HandleTests {
  @Test(arguments: parallelisms) func waitAllReturnsTheValuesInOrder(workers: Int) throws {
    try virtually(workers) {
      let fibers = (0..<10).map { number in
        goAsync { () -> Int in
          try sleep(for: .seconds(10 - number))
          return number
        }
      }
      try #expect(waitAll(fibers) == Array(0..<10))
      try expectEqual(waitAll(goAsync { "a" }, goAsync { "b" }), ["a", "b"])
      try #expect(waitAll([Fiber<Int>]()) == [])
    }
  }

  @Test(arguments: parallelisms) func waitFirstReturnsTheQuickestAndLetsTheOthersRunOn(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let fibers = [3, 1, 2].map { seconds in
        goAsync { () -> Int in
          try sleep(for: .seconds(seconds))
          ended.add()
          return seconds
        }
      }
      try #expect(waitFirst(fibers) == 1)
      #expect(ended.value == 1)
    }
    #expect(ended.value == 3)
  }

  @Test func aHandleKnowsItsFiber() throws {
    try virtually {
      let handle = try withNursery("server") { nursery in
        let handle = nursery.goAsync("reader") { Fiber.current }
        #expect(!handle.isFinished)
        #expect(handle.name == "reader")
        let identity = try handle.wait()
        #expect(handle.isFinished)
        #expect(identity?.name == "reader")
        #expect(identity?.id == handle.id)
        #expect(identity?.nurseryPath == "server")
        #expect(identity?.description == "fiber \"reader\" in server")
        return handle
      }
      try #expect(handle.wait()?.name == "reader")
      #expect(handle.name == "reader")
      try #expect(handle.result().get()?.id == handle.id)
    }
    #expect(Fiber.current == nil)
  }

  @Test(arguments: parallelisms) func theHandleMayBeDroppedAtAnyTime(workers: Int) throws {
    let census = Census()
    try virtually(workers) {
      try withNursery { nursery in
        for number in 0..<100 {
          let handle = nursery.goAsync { census.make(number) }
          if number % 3 == 0 { Fiber.yield() }
          if number % 5 == 0 { _ = try handle.wait() }
        }
      }
      #expect(census.count == 0)
    }
    #expect(census.total == 100)
  }

  /// Objects that are released at a fiber's end may still send and receive on it.
  @Test(arguments: parallelisms) func aResultIsNotMistakenForAMessageThatIsSentAfterIt(workers: Int) throws {
    let numbers = Channel<Int>()
    try runFibers(Configuration(parallelism: workers)) {
      let fiber = lastWords.withValue(LastWords(numbers)) {
        goAsync { () -> Int in
          Fiber.yield()
          return 42
        }
      }
      try expectEqual(numbers.receive(), 7)
      try expectEqual(fiber.wait(), 42)
    }
  }

  #if os(Linux)
    /// Records of fibers with dropped handles are reused, also by a worker that did not run them.
    @Test(.enabled(if: !isSanitized)) func recordsAreNotLostToAWorkerThatOnlySteals() throws {
      try runFibers(Configuration(parallelism: 2)) {
        func round() throws {
          let fibers = (0..<2000).map { number in goAsync { () -> Int in (0..<50).reduce(number) { $0 &* 31 &+ $1 } } }
          for fiber in fibers { _ = try fiber.wait() }
        }
        for _ in 0..<5 { try round() }
        let before = try #require(Scheduler.current).statistics.allocations
        for _ in 0..<50 { try round() }
        // Without reuse each fiber would take one, and a block for every 256.
        #expect(try #require(Scheduler.current).statistics.allocations - before < 20_000)
      }
    }
  #endif
}

/// Calls a closure when it is released.
private final class LastWords: Sendable {
  private let numbers: Channel<Int>

  init(_ numbers: Channel<Int>) { self.numbers = numbers }
  deinit { try? numbers.send(7) }
}

private let lastWords = FiberLocal<LastWords?>(nil)
