import Nursery
import Testing

/// Races, maps, and results as they arrive.
struct CombinatorTests {
  @Test(arguments: parallelisms) func theFirstToEndWinsTheRaceAndTheOthersAreCancelled(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      let start = FiberClock.now
      let winner = try race(
        {
          defer { log.append("\(Fiber.cancellationReason!)") }
          try sleep(for: .seconds(5))
          return "slow"
        },
        {
          try sleep(for: .seconds(1))
          return "quick"
        })
      #expect(winner == "quick")
      #expect(FiberClock.now - start == .seconds(1))
    }
    #expect(log.entries == ["the race is decided"])
  }

  @Test func theFirstFailureDecidesTheRaceToo() throws {
    try virtually {
      expectThrows(Oops(1)) {
        try race({ throw Oops(1) }, { try sleep(for: .seconds(1)) })
      }
      try expectEqual(
        race(
          {
            try sleep(for: .seconds(1)); throw Oops(1)
          }, { 2 }), 2)
    }
  }

  @Test func aContenderThatEndsWithoutAValueDecidesTheRace() throws {
    try virtually {
      expectThrows(CancellationError.self) {
        try race({ throw CancellationError() }, { try sleep(for: .seconds(1)) })
      }
      expectThrows(CancellationError.self) { try race([{ throw CancellationError() }] as [@Sendable () throws -> Int]) }
    }
  }

  @Test func aRaceIsCancelledFromOutside() throws {
    try virtually {
      expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) { try race({ try sleep(for: .seconds(9)) }, { try sleep(for: .seconds(8)) }) }
      }
      expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) { try race([] as [@Sendable () throws -> Int]) }
      }
    }
  }

  @Test(arguments: parallelisms, [1, 3, 100, Int.max])
  func concurrentMapKeepsTheOrderAndTheLimit(workers: Int, limit: Int) throws {
    let running = Counter()
    let most = Guarded(0)
    try virtually(workers) {
      let doubled = try (0..<50).concurrentMap(limit: limit) { number in
        let now = running.add()
        most.withLock { $0 = max($0, now) }
        try sleep(for: .milliseconds(number * 7 % 10))
        running.add(-1)
        return number * 2
      }
      #expect(doubled == (0..<50).map { $0 * 2 })
      try expectEqual([Int]().concurrentMap(limit: limit) { $0 }, [])
    }
    #expect(most.withLock { $0 } <= min(limit, 50))
    #expect(most.withLock { $0 } >= min(limit, 3))
  }

  @Test func concurrentMapTakesAnElementWhenAFiberIsFreeForIt() throws {
    let asked = Counter()
    try virtually {
      let numbers = (0..<1000).lazy.map { number in
        asked.add()
        return number
      }
      expectThrows(TimeoutError.self) {
        try withTimeout(.seconds(1)) {
          try numbers.concurrentMap(limit: 3) { _ in try sleep(for: .seconds(10)) }
        }
      }
    }
    #expect(asked.value == 4)
  }

  @Test func concurrentMapThrowsTheFirstFailureAndCancelsTheRest() throws {
    let ended = Counter()
    try virtually {
      expectThrows(Oops(3)) {
        try (0..<10).concurrentMap(limit: 4) { number in
          defer { ended.add() }
          if number == 3 { throw Oops(3) }
          try sleep(for: .seconds(1))
        }
      }
    }
    #expect(ended.value == 4)
  }

  @Test func concurrentMapThrowsInACancelledScopeAlsoWhereThereIsNothingToDo() throws {
    try virtually {
      try withCancelScope { scope in
        scope.cancel()
        let numbers = Channel<Int>(.bounded(1))
        expectThrows(CancellationError.self) { try [Int]().concurrentMap(limit: 1) { $0 } }
        expectThrows(CancellationError.self) { try numbers.concurrentMap(limit: 1) { $0 } }
      }
    }
  }

  @Test func concurrentMapReadsAChannel() throws {
    try virtually {
      let numbers = Channel<Int>()
      goAsync {
        for number in 0..<20 { try numbers.send(number) }
        numbers.close()
      }
      try expectEqual(numbers.concurrentMap(limit: 4) { $0 + 1 }, Array(1...20))
    }
  }

  @Test(arguments: parallelisms) func fibersAreDeliveredInTheOrderTheyEnd(workers: Int) throws {
    try virtually(workers) {
      try withNursery(onFailure: .supervise) { nursery in
        let fibers = [3, 1, 2, 0].map { seconds in
          nursery.goAsync {
            try sleep(for: .seconds(seconds))
            return seconds
          }
        }
        _ = try fibers[3].wait()
        var order: [Int] = []
        for fiber in inCompletionOrder(fibers) { order.append(try fiber.wait()) }
        #expect(order == [0, 1, 2, 3])
        #expect(Array(inCompletionOrder([Fiber<Int>]())).isEmpty)
        #expect(inCompletionOrder(fibers).count == 4)
      }
    }
  }

  @Test func aFailureComesInItsTurn() throws {
    try virtually {
      let group = expectThrows(ErrorGroup.self) {
        try withNursery(onFailure: .supervise) { nursery in
          let good = nursery.goAsync {
            try sleep(for: .seconds(2))
            return 1
          }
          let bad = nursery.goAsync { () -> Int in
            try sleep(for: .seconds(1))
            throw Oops(7)
          }
          let ended = inCompletionOrder([good, bad])
          let first = try ended.receive()
          #expect(first.id == bad.id)
          expectThrows(Oops(7)) { try first.wait() }
          try expectEqual(ended.receive().wait(), 1)
          #expect(ended.tryReceive() == nil)
        }
      }
      #expect(group?.errors(of: Oops.self) == [Oops(7)])
    }
  }

  @Test(arguments: parallelisms) func oneChildCanBeCancelledAndWaitedFor(workers: Int) throws {
    let log = Log<String>()
    try virtually(workers) {
      try withNursery { nursery in
        let child = nursery.goAsync {
          defer { log.append("ended") }
          do { try sleep(for: .seconds(100)) } catch { try withShield { try sleep(for: .seconds(1)) } }
        }
        try sleep(for: .seconds(1))
        expectThrows(TimeoutError.self) {
          try child.cancelAndWaitOp().orTimeout(after: .milliseconds(1)).perform()
        }
        try child.cancelAndWait()
        log.append("waited")
        try child.cancelAndWait()
        #expect(!nursery.isCancelled)
      }
    }
    #expect(log.entries == ["ended", "waited"])
  }
}
