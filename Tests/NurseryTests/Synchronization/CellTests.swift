import Nursery
import Testing

/// Events, promises, watches and wait groups.
struct CellTests {
  @Test func anEventMayBeSetAndResetAnyNumberOfTimes() throws {
    try virtually {
      let event = Event()
      #expect(!event.isSet)
      try withNursery { nursery in
        for _ in 0..<3 {
          let waiters = (0..<2).map { _ in nursery.goAsync { try event.wait() } }
          waitUntilAllParked()
          #expect(!waiters[0].isFinished)
          event.set()
          event.set()
          #expect(event.isSet)
          for waiter in waiters { try waiter.wait() }
          try event.wait()
          event.reset()
          event.reset()
          #expect(!event.isSet)
        }
        expectThrows(TimeoutError.self) { try event.waitOp().orTimeout(after: .seconds(1)).perform() }
      }
    }
    #expect(Event(isSet: true).isSet)
  }

  @Test func aSetThatIsTakenBackAtOnceReleasesItsWaiters() throws {
    try virtually {
      let event = Event()
      try withNursery { nursery in
        let waiter = nursery.goAsync { try event.wait() }
        waitUntilAllParked()
        event.set()
        event.reset()
        try waiter.wait()
        try #expect(event.waitOp().poll() == nil)
      }
    }
  }

  @Test func aPromiseHasItsOutcomeForReadersBeforeAndAfter() throws {
    try virtually {
      let kept = Promise<String>()
      let broken = Promise<String>()
      #expect(kept.result == nil)
      try withNursery { nursery in
        let reader = nursery.goAsync { try kept.wait() }
        let loser = nursery.goAsync { try choose(broken.waitOp(), timeoutOp(after: .seconds(1)).wrap { "late" }) }
        waitUntilAllParked()
        kept.fulfill("value")
        expectEqual(try reader.wait(), "value")
        expectEqual(try loser.wait(), "late")
        broken.fail(Oops(1))
        expectThrows(Oops(1)) { try broken.wait() }
        expectThrows(Oops(1)) { try broken.waitOp().perform() }
        expectEqual(try kept.waitOp().poll(), "value")
        expectEqual(try kept.result?.get(), "value")
        #expect(!kept.tryResolve(.failure(Oops(2))))
        expectEqual(try kept.wait(), "value")
      }
    }
  }

  @Test func resolvingAPromiseTwiceTrapsAndNamesBothLines() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let promise = Promise<Int>()
      // The macro gives all calls inside its own line.
      promise.fulfill(1, line: 1)
      promise.fail(Oops(), line: 2)
    }
    let text = standardError(result)
    #expect(text.contains("CellTests.swift:1 is resolved again at NurseryTests/CellTests.swift:2"))
    #expect(text.contains("tryResolve"))
  }

  @Test func eachReaderOfAWatchHasItsOwnVersion() throws {
    try virtually {
      let watch = Watch("a")
      let first = watch.reader()
      try #expect(first.changesOp().poll() == nil, "a new reader has seen the present value")
      watch.set("b")
      let second = watch.reader()
      watch.set("c")
      #expect(first.hasChanged)
      expectEqual(try first.changes(), "c")
      #expect(!first.hasChanged)
      #expect(second.hasChanged, "what one reader has seen is news to another")
      expectEqual(second.value, "c")
      #expect(!second.hasChanged)
      expectEqual(watch.value, "c")
    }
  }

  @Test func aReadThatLosesOrIsCancelledHasSeenNothing() throws {
    try virtually {
      let watch = Watch(0)
      let reader = watch.reader()
      watch.set(1)
      expectEqual(try choose(.biased([.always(7), reader.changesOp()]), .never), 7)
      #expect(reader.hasChanged)
      try withCancelScope { scope in
        scope.cancel()
        expectThrows(CancellationError.self) { try reader.changes() }
        expectThrows(CancellationError.self) { try reader.changesOp().perform() }
      }
      #expect(reader.hasChanged)
      expectEqual(try reader.changes(), 1)
      expectThrows(TimeoutError.self) { try reader.changesOp().orTimeout(after: .seconds(1)).perform() }
    }
  }

  @Test(arguments: parallelisms) func everyReaderOfAWatchComesToSeeTheLastValue(workers: Int) throws {
    let watch = Watch(0)
    try virtually(workers) {
      try withNursery { nursery in
        for _ in 0..<8 {
          let reader = Box(watch.reader())
          nursery.goAsync(placement: .spread) {
            var last = 0
            while last < 1000 {
              let next = try reader.value.changes()
              #expect(next > last)
              last = next
            }
          }
        }
        for number in 1...1000 {
          watch.set(number)
          if number % 10 == 0 { Fiber.yield() }
        }
      }
    }
  }

  @Test func aValueThatIsReplacedMayUseTheWatchWhenItGoes() throws {
    final class Value: Sendable {
      let atEnd: @Sendable () -> Void
      init(_ atEnd: @escaping @Sendable () -> Void) { self.atEnd = atEnd }
      deinit { atEnd() }
    }
    let reads = Counter()
    let watch = Box<Watch<Value>>(Watch(Value {}))
    watch.value.set(Value { [weak watch = watch.value] in if watch?.value != nil { reads.add() } })
    watch.value.set(Value {})
    #expect(reads.value == 1)
  }

  @Test func aWaitGroupWaitsUntilNothingIsPendingAndMayBeUsedAgain() throws {
    try virtually {
      let group = WaitGroup(1)
      try withNursery { nursery in
        for _ in 0..<2 {
          let waiters = (0..<2).map { _ in nursery.goAsync { try group.wait() } }
          group.add(2)
          for left in [2, 1] {
            group.done()
            waitUntilAllParked()
            expectEqual(group.count, left)
            #expect(!waiters[0].isFinished)
          }
          group.done()
          for waiter in waiters { try waiter.wait() }
          try #expect(group.waitOp().poll() != nil)
          group.add()
          expectThrows(TimeoutError.self) { try group.waitOp().orTimeout(after: .seconds(1)).perform() }
        }
      }
    }
  }

  @Test func aWaitGroupThatIsDoneTooOftenTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let group = WaitGroup(1)
      group.done()
      group.done()
    }
    #expect(standardError(result).contains("call add() once for each done()"))
  }

  @Test func aWaitGroupOfLessThanNothingTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = WaitGroup(-1)
    }
    #expect(standardError(result).contains("write WaitGroup()"))
  }

  @Test func negativeCountsOfWorkTrap() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      WaitGroup().add(-1)
    }
    #expect(standardError(result).contains("add at least 1"))
  }
}
