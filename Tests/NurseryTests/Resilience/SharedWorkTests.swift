import Nursery
import Testing

/// Calls that share work: flights, batches, and contenders.
@Suite struct SharedWorkTests {
  @Test(arguments: parallelisms) func callersAtTheSameTimeShareAFlight(workers: Int) throws {
    try virtually(workers) {
      let loads = Counter()
      try withNursery { nursery in
        let flights = SingleFlight<Int, Int>(in: nursery) { key in
          loads.add()
          try sleep(for: .seconds(1))
          return key * 10
        }
        let callers = (0..<6).map { number in nursery.goAsync { try flights.value(for: number % 2) } }
        try expectEqual(waitAll(callers), [0, 10, 0, 10, 0, 10])
        #expect(loads.value == 2)
        // Nothing is kept.
        try expectEqual(flights.value(for: 1), 10)
        #expect(loads.value == 3)
        #expect(flights.count == 0)
      }
    }
  }

  @Test func allCallersGetTheErrorAndTheNurseryGoesOn() throws {
    try virtually {
      try withNursery { nursery in
        let flights = SingleFlight<Int, Int>(in: nursery) { _ in
          try sleep(for: .seconds(1))
          throw Oops(3)
        }
        let callers = (0..<3).map { _ in nursery.goAsync { expectThrows(Oops.self) { try flights.value(for: 1) } } }
        try expectEqual(waitAll(callers).allSatisfy { $0 == Oops(3) }, true)
        #expect(!nursery.isCancelled)
      }
    }
  }

  @Test func theLastCallerThatGoesCancelsTheFlight() throws {
    try virtually {
      let start = FiberClock.now
      let ended = Log<String>()
      try withNursery { nursery in
        let flights = SingleFlight<Int, Int>(in: nursery) { _ in
          do {
            try sleep(for: .seconds(10))
            ended.append("landed")
            return 1
          } catch {
            ended.append("cancelled at \((FiberClock.now - start).components.seconds)")
            throw error
          }
        }
        for seconds in [2, 5] {
          nursery.goAsync { _ = try withTimeoutOrNil(.seconds(seconds)) { try flights.value(for: 1) } }
        }
        try sleep(for: .seconds(6))
        #expect(flights.count == 0)
        try expectEqual(flights.value(for: 1), 1)
      }
      #expect(ended.entries == ["cancelled at 5", "landed"])
    }
  }

  // A batch is sent when it is full, or when its first call has waited long enough.
  @Test(arguments: parallelisms) func callsAreSentTogether(workers: Int) throws {
    try virtually(workers) {
      let batches = Log<[Int]>()
      try withNursery { nursery in
        let batcher = Batcher<Int, String>(in: nursery, upTo: 3, orAfter: .seconds(5)) { numbers in
          batches.append(numbers.sorted())
          return numbers.map { "\($0)" }
        }
        let start = FiberClock.now
        let callers = (0..<4).map { number in nursery.goAsync { try batcher.call(number) } }
        try expectEqual(waitAll(callers), ["0", "1", "2", "3"])
        #expect(FiberClock.now - start == .seconds(5))
        #expect(batches.entries.map(\.count) == [3, 1])
        #expect(batches.entries.flatMap { $0 }.sorted() == [0, 1, 2, 3])
      }
    }
  }

  @Test func aCallThatGoesBeforeItsBatchIsLeftOut() throws {
    try virtually {
      let batches = Log<[Int]>()
      try withNursery { nursery in
        let batcher = Batcher<Int, Int>(in: nursery, upTo: 9, orAfter: .seconds(5)) { numbers in
          batches.append(numbers)
          return numbers
        }
        nursery.goAsync { _ = try withTimeoutOrNil(.seconds(1)) { try batcher.call(1) } }
        nursery.goAsync { try expectEqual(batcher.call(2), 2) }
      }
      #expect(batches.entries == [[2]])
    }
  }

  @Test func theErrorOfABatchIsThatOfEachCall() throws {
    try virtually {
      try withNursery { nursery in
        let batcher = Batcher<Int, Int>(in: nursery, upTo: 2, orAfter: .seconds(1)) { numbers in
          if numbers.contains(7) { throw Oops(7) }
          return [1]
        }
        let failing = [7, 8].map { number in
          nursery.goAsync { expectThrows(Oops.self) { try batcher.call(number) } }
        }
        try expectEqual(waitAll(failing).allSatisfy { $0 == Oops(7) }, true)
        let short = [1, 2].map { number in
          nursery.goAsync { expectThrows(BatchError.self) { try batcher.call(number) } }
        }
        let errors = try waitAll(short)
        #expect(errors.allSatisfy { $0?.requests == 2 && $0?.responses == 1 })
      }
    }
  }

  @Test func enoughSuccessesEndTheRestAndFailuresAreBorne() throws {
    try virtually {
      let cancelled = Counter()
      @Sendable func contender(_ seconds: Int, fails: Bool = false) -> @Sendable () throws -> Int {
        {
          do { try sleep(for: .seconds(seconds)) } catch {
            cancelled.add()
            throw error
          }
          if fails { throw Oops(seconds) }
          return seconds
        }
      }
      let start = FiberClock.now
      let contenders = [contender(5), contender(1, fails: true), contender(3), contender(2), contender(9)]
      try expectEqual(firstSuccesses(3, of: contenders), [2, 3, 5])
      #expect(FiberClock.now - start == .seconds(5))
      #expect(cancelled.value == 1)
      try expectEqual(firstSuccesses(0, of: contenders), [])

      let failing = [contender(1, fails: true), contender(2, fails: true), contender(9)]
      let group = expectThrows(ErrorGroup.self) { try firstSuccesses(2, of: failing) }
      #expect(group?.errors(of: Oops.self).map(\.number) == [1, 2])
    }
  }

  @Test func moreSuccessesThanContendersTrap() async {
    await #expect(processExitsWith: .failure) {
      let contender: @Sendable () throws -> Int = { 1 }
      _ = try synchronously { try firstSuccesses(2, of: [contender]) }
    }
  }
}
