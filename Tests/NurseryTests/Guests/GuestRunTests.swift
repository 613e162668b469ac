import Nursery
import Testing

struct GuestRunTests {
  @Test func fibersRunOnTheLoopsThreadAndEndBeforeTheRun() throws {
    let loop = EventLoop()
    let threads = Log<UInt>()
    let value = try loop.host { nursery in
      threads.append(threadNumber())
      for _ in 0..<3 {
        nursery.goAsync {
          try sleep(for: .milliseconds(1))
          threads.append(threadNumber())
        }
      }
      return 7
    }
    #expect(value == 7)
    #expect(threads.entries == Array(repeating: threadNumber(), count: 4))
  }

  @Test func aWaitLeavesTheThreadToTheLoop() throws {
    let loop = EventLoop()
    let calls = Counter()
    let enough = Condition()
    loop.repeatedly(until: enough) { if calls.add() == 100 { enough.signal() } }
    try loop.host { _ in
      try enough.wait()
      #expect(calls.value >= 100)
    }
  }

  /// The loop's other code must be called although the fibers always have something to run.
  @Test(arguments: [1, 2]) func busyFibersGiveWayToTheLoop(fibers: Int) throws {
    let loop = EventLoop()
    let isCalled = Counter()
    try loop.host { nursery in
      try loop.post { isCalled.add() }
      for _ in 0..<fibers {
        nursery.goAsync { while isCalled.value == 0 { Fiber.yield() } }
      }
    }
  }

  @Test func aFiberWhoseCallsAreAlwaysReadyGivesWayToTheLoop() throws {
    let loop = EventLoop()
    let isCalled = Counter()
    try loop.host { _ in
      try loop.post { isCalled.add() }
      let elements = Channel<Int>(.bounded(1))
      while isCalled.value == 0 {
        try elements.send(1)
        _ = try elements.receive()
      }
    }
  }

  @Test func timersDescriptorsThreadsAndTasksWakeFibers() throws {
    let loop = EventLoop()
    try loop.host { nursery in
      let (reader, writer) = try PipeStream.pair()
      let elements = Channel<Int>()
      nursery.goAsync {
        try sleep(for: .milliseconds(2))
        try loop.post { _ = try? synchronously { try writer.writeAll([7]) } }
      }
      expectEqual(try reader.read(upTo: 1), [7])
      let thread = PlainThread { try elements.send(1) }
      expectEqual(try elements.receive(), 1)
      try thread.join()
      Task(executorPreference: ThreadExecutor.shared) { try await elements.send(2) }
      expectEqual(try elements.receive(), 2)
      expectEqual(try blocking { 3 }, 3)
      expectEqual(try runAsync(executor: ThreadExecutor.shared) { 4 }, 4)
      expectThrows(TimeoutError.self) { try withTimeout(.milliseconds(1)) { _ = try elements.receive() } }
    }
  }

  @Test func spreadFibersRunOnOtherWorkers() throws {
    let loop = EventLoop()
    try loop.host(Configuration(parallelism: 2)) { nursery in
      let elements = Channel<Int>()
      nursery.goAsync(placement: .spread) { for number in 0..<1000 { try elements.send(number) } }
      for number in 0..<1000 { expectEqual(try elements.receive(), number) }
    }
  }

  @Test func severalRunsShareALoop() throws {
    let loop = EventLoop()
    let sum = Counter()
    let left = Counter()
    let elements = Channel<Int>()
    left.add(2)
    for number in 0..<2 {
      try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { _ in
        for element in 0..<100 {
          if number == 0 { try elements.send(element) } else { sum.add(try elements.receive()) }
        }
      } whenDone: { _ in
        if left.add(-1) == 0 { loop.close() }
      }
    }
    loop.run()
    #expect(sum.value == 4950)
  }

  @Test func theErrorOfTheBodyOrOfAChildIsHandedOver() throws {
    expectThrows(Oops(1)) { try EventLoop().host { _ in throw Oops(1) } }
    expectThrows(Oops(2)) {
      try EventLoop().host { nursery in
        nursery.goAsync { throw Oops(2) }
        try Condition().wait()
      }
    }
  }

  @Test func aDeadlockIsReportedWhereTimeIsVirtual() throws {
    expectThrows(DeadlockError.self) {
      try EventLoop().host(.deterministic(seed: 1)) { _ in try Condition().wait() }
    }
    let duration = try EventLoop().host(.virtual()) { _ in
      let start = FiberClock.now
      try sleep(for: .seconds(3600))
      return FiberClock.now - start
    }
    #expect(duration == .seconds(3600))
  }

  // MARK: Ending

  @Test func aCancelledRunEnds() throws {
    let loop = EventLoop()
    let results = Log<Bool>()
    let run = try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { nursery in
      nursery.goAsync { try Condition().wait() }
      try Condition().wait()
    } whenDone: { result in
      results.append((try? result.get()) != nil)
      loop.close()
    }
    let thread = PlainThread {
      try sleep(for: .milliseconds(2))
      run.cancel()
    }
    loop.run()
    try thread.join()
    run.cancel()
    // As a nursery that is cancelled and has no value to return.
    #expect(results.entries == [true])
  }

  @Test func aRunCancelledBeforeItsFirstTurnIsCancelledWhenItBegins() throws {
    let loop = EventLoop()
    let results = Log<Bool>()
    let run = try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { _ in
      try Condition().wait()
      return 1
    } whenDone: { result in
      results.append((try? result.get()) == nil)
      loop.close()
    }
    run.cancel()
    loop.run()
    #expect(results.entries == [true])
  }

  @Test func aLoopThatRefusesTheFirstTurnFailsTheStart() {
    let loop = EventLoop()
    loop.close()
    expectThrows(ChannelClosedError.self) {
      try GuestRun(postingBy: loop.post) { _ in
      } whenDone: { _ in
        Issue.record("it never ran")
      }
    }
  }

  /// The fibers are unwound, on the thread that was refused.
  @Test func aLoopThatRefusesATurnEndsTheRun() throws {
    let loop = EventLoop()
    let unwound = Counter()
    let errors = Channel<any Error>(.bounded(1))
    try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { nursery in
      nursery.goAsync {
        defer { unwound.add() }
        while true { try sleep(for: .milliseconds(1)) }
      }
      try Condition().wait()
    } whenDone: { result in
      if case .failure(let error) = result { _ = try? errors.trySend(error) }
    }
    try loop.post { loop.close() }
    loop.run()
    let error = try #require(try errors.receive() as? EventLoopEndedError)
    #expect(error.cause is ChannelClosedError)
    #expect("\(error)".contains("call cancel() and wait for whenDone"))
    #expect(unwound.value == 1)
  }

  @Test func finishRunsTheRestToItsEndOnTheCallingThread() throws {
    let loop = EventLoop()
    let thread = threadNumber()
    let threads = Log<UInt>()
    let results = Log<Bool>()
    let run = try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { nursery in
      nursery.goAsync {
        defer {
          // A wait on the way out, which needs the thread to sleep.
          try? withShield { try sleep(for: .milliseconds(2)) }
          threads.append(threadNumber())
        }
        try sleep(for: .seconds(3600))
      }
      try loop.post { loop.close() }
      try Condition().wait()
    } whenDone: { result in
      if case .failure(let error) = result { results.append(error is EventLoopEndedError) }
    }
    loop.run()
    run.finish()
    #expect(threads.entries == [thread])
    #expect(results.entries == [true])
    run.finish()
    #expect(results.entries.count == 1)
  }

  @Test func aValueStandsThoughTheLoopEnds() throws {
    let loop = EventLoop()
    let results = Log<Int>()
    let run = try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { _ in
      try loop.post { loop.close() }
      try? Condition().wait()
      return 5
    } whenDone: { result in
      if let value = try? result.get() { results.append(value) }
    }
    loop.run()
    run.finish()
    #expect(results.entries == [5])
  }

  // MARK: Threads

  @Test func turnsOnTwoThreadsTrap() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try GuestRun(
          Configuration(parallelism: 1), postingBy: { turn in _ = PlainThread { turn() } }
        ) { _ in
          while true { try sleep(for: .milliseconds(1)) }
        } whenDone: { (_: Result<Void, any Error>) in
        }
        try sleep(for: .seconds(60))
      }
    }
    #expect(standardError(result).contains("two turns of a GuestRun came on different threads"))
  }

  @Test func turnsMayComeOnAnyThreadWhereFibersMigrate() throws {
    let threads = Log<PlainThread<Void>>()
    let ended = Condition()
    try GuestRun(
      Configuration(parallelism: 1, migration: .whenWaiting),
      postingBy: { turn in threads.append(PlainThread { turn() }) }
    ) { nursery in
      for _ in 0..<4 {
        nursery.goAsync { for _ in 0..<20 { try sleep(for: .microseconds(100)) } }
      }
    } whenDone: { _ in
      ended.signal()
    }
    try ended.wait()
    for thread in threads.entries { try thread.join() }
  }

  @Test func finishInAFiberOfTheRunTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let loop = EventLoop()
        let run = Guarded<GuestRun?>(nil)
        let guest = try GuestRun(Configuration(parallelism: 1), postingBy: loop.post) { _ in
          run.withLock { $0 }!.finish()
        } whenDone: { _ in
        }
        run.withLock { $0 = guest }
        loop.run()
      }
    }
    #expect(standardError(result).contains("in a fiber write cancel()"))
  }

  @Test @MainActor func fibersAreTheMainActorsGuests() async throws {
    let count = MainActorCount()
    let ended = Channel<Int>(.bounded(1))
    try synchronously {
      _ = try GuestRun(
        Configuration(parallelism: 1), postingBy: { turn in Task { @MainActor in turn() } }
      ) { nursery in
        for _ in 0..<3 {
          nursery.goAsync {
            try sleep(for: .milliseconds(1))
            MainActor.assumeIsolated { count.value += 1 }
          }
        }
      } whenDone: { _ in
        _ = try? ended.trySend(MainActor.assumeIsolated { count.value })
      }
    }
    #expect(try await ended.receive() == 3)
  }
}

@MainActor private final class MainActorCount {
  var value = 0
}

extension EventLoop {
  /// Other code of the loop, which keeps posting itself.
  fileprivate func repeatedly(until end: Condition, _ body: @escaping @Sendable () -> Void) {
    try? post {
      body()
      if !end.isSignalled { self.repeatedly(until: end, body) }
    }
  }
}
