import Nursery
import Testing

/// Asynchronous functions that a fiber calls: they begin on its thread, and go on where tasks run.
struct AsyncCallTests {
  @Test func aFunctionBeginsOnTheFibersThreadWhereTheFiberIsNotCurrent() async throws {
    try await withNursery("own", Configuration(parallelism: 2)) { nursery in
      for number in 0..<20 {
        nursery.goAsync(placement: .spread) {
          let thread = threadNumber()
          let seen = try runAsync {
            let isHere = synchronously { threadNumber() == thread && Fiber.current == nil }
            await Task.yield()
            return (number, isHere, synchronously { Fiber.current == nil })
          }
          expectEqual(seen.0, number)
          #if os(Linux)
            #expect(seen.1)
          #endif
          #expect(seen.2)
          #expect(threadNumber() == thread && Fiber.current != nil)
        }
      }
    }
  }

  @Test(arguments: [nil, Configuration(parallelism: 2)])
  func aTasksPriorityIsThatOfTheFunctionsThatItsFibersCall(configuration: Configuration?) async throws {
    let seen = try await Task(priority: .high) {
      try await withNursery("own", configuration) { nursery in
        try nursery.goAsync {
          [
            try runAsync { Task.currentPriority }, try asyncOp { Task.currentPriority }.perform(),
            try runAsync(priority: .low) { Task.currentPriority },
          ]
        }.wait()
      }
    }.value
    #expect(seen == [.high, .high, .low])
  }

  @Test func aFiberThatWaitsForAFunctionLetsOthersRun() async throws {
    let value = try await withNursery("own", Configuration(parallelism: 1)) { nursery in
      let channel = Channel<Int>()
      let answers = Channel<Int>()
      nursery.goAsync {
        try runAsync {
          let number = try await channel.receive()
          try await answers.send(number + 1)
        }
      }
      try channel.send(6)
      return try answers.receive()
    }
    #expect(value == 7)
  }

  @Test func itsErrorIsTheCallersAndIsReportedIfTheCallerIsCancelled() async throws {
    let errors = Log<String>()
    try await withNursery("own", Configuration(parallelism: 1, onSuppressedError: { errors.append("\($0)") })) {
      nursery in
      expectThrows(Oops(1)) { try runAsync { throw Oops(1) } }
      expectThrows(Oops(2)) {
        try runAsync {
          await Task.yield()
          throw Oops(2)
        }
      }
      let isWaiting = Condition()
      let fiber = nursery.goAsync {
        try runAsync {
          isWaiting.signal()
          try? await Condition().wait()
          throw Oops(3)
        }
      }
      try isWaiting.wait()
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
    #expect(errors.entries == ["\(Oops(3))"])
  }

  @Test func aCancelledFiberCallsNothingAndACancelledCallHasEnded() async throws {
    let runs = Counter()
    let ends = Counter()
    try await withNursery("own", Configuration(parallelism: 1)) { nursery in
      try withCancelScope { scope in
        // Cancelled by the part that runs here.
        expectThrows(CancellationError.self) {
          try runAsync {
            scope.cancel()
            try? await Condition().wait()
            for _ in 0..<20 { await Task.yield() }
            ends.add()
          }
        }
        expectThrows(CancellationError.self) { try runAsync { _ = runs.add() } }
      }
    }
    #expect(runs.value == 0)
    #expect(ends.value == 1)
  }

  @Test func whatBeginsHereMayPerformAndOwnLocksAsAnyTask() async throws {
    try await withNursery("own", Configuration(parallelism: 1)) { _ in
      let mutex = FiberMutex(0)
      let channel = Channel<Int>(.unbounded)
      let sum = try runAsync {
        // More operations than a fiber may perform before it lets others run.
        try synchronously { for _ in 0..<1000 { try channel.send(1) } }
        return try await mutex.withLock { state in
          for _ in 0..<1000 { state += try await channel.receive() }
          await Task.yield()
          return state
        }
      }
      expectEqual(sum, 1000)
      expectEqual(try mutex.withLock { $0 }, 1000)
      expectEqual(try runAsync { try await choose(asyncOp { 8 }, .never) }, 8)
      expectEqual(try runAsync { synchronously { Generator(of: 3).reduce(0, +) } }, 3)
    }
  }

  #if os(Linux)
    @Test func aTaskOnAFibersStackMayPerformOftenIfItDoesNotWait() throws {
      try runFibers {
        let channel = Channel<Int>(.unbounded)
        goAsync(daemon: true) { try Op<Void>.never.perform() }
        _ = Task.immediate { try synchronously { for number in 0..<1000 { try channel.send(number) } } }
        expectEqual(try (0..<1000).map { _ in try channel.receive() }, Array(0..<1000))
      }
    }
  #endif
}

extension Generator<Int> {
  fileprivate init(of count: Int) { self.init { yielder in for _ in 0..<count { try yielder.yield(1) } } }
}
