import Nursery
import Testing

/// Counters instead of times.
struct StatisticsTests {
  private func statistics() throws -> Scheduler.Statistics { try #require(Scheduler.current).statistics }

  @Test(arguments: parallelisms) func liveFibersAreCounted(workers: Int) throws {
    try virtually(workers) {
      let numbers = Channel<Int>()
      try withNursery { nursery in
        for _ in 0..<10 {
          nursery.goAsync { _ = try choose(numbers.receiveOp(), sleepOp(for: .seconds(9)).wrap { 0 }) }
        }
        waitUntilAllParked()
        let parked = try statistics()
        #expect(parked.fibersSpawned == 10)
        #expect(parked.fibersAlive == 10)
        #expect(parked.offersOutstanding == 20)
        #expect(parked.timers == 10)
        #expect(parked.workers >= 1 && parked.workers <= workers)
        #expect(parked.stacks.inUse >= 10)
        nursery.cancel()
      }
      let ended = try statistics()
      #expect(ended.fibersAlive == 0)
      #expect(ended.offersOutstanding == 0)
      #expect(ended.timers == 0)
      #expect(ended.fibersSpawned == 10)
    }
  }

  @Test func aRendezvousTakesTwoSwitchesAndNoSystemCall() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let numbers = Channel<Int>()
      goAsync(daemon: true) { while true { try numbers.send(1) } }
      for _ in 0..<10 { _ = try numbers.receive() }
      let before = try statistics()
      for _ in 0..<1000 { _ = try numbers.receive() }
      let after = try statistics()
      #expect(after.switches - before.switches <= 1001)
      expectEqual(after.systemCalls, before.systemCalls)
      expectEqual(after.allocations, before.allocations)
    }
  }

  @Test(arguments: parallelisms) func wakingOneFiberWakesNoWorker(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      let (there, back) = (Channel<Int>(), Channel<Int>())
      goAsync(daemon: true) { for number in there { try back.send(number) } }
      let before = try statistics()
      for number in 0..<1000 {
        try there.send(number)
        _ = try back.receive()
      }
      let after = try statistics()
      // An idle worker may be woken to inspect the queues.
      #expect(after.wakeups - before.wakeups <= 100)
    }
  }

  @Test func aChildTakesTheStackAndTheRecordOfTheOneBefore() throws {
    // A stack size of its own, because all schedulers share the pool of a size.
    try runFibers(Configuration(parallelism: 1, stackSize: 172 << 10)) {
      for number in 0..<10 { _ = try goAsync { number }.wait() }
      let before = try statistics()
      for number in 0..<1000 { _ = try goAsync { number }.wait() }
      let after = try statistics()
      // Under sanitizers every fiber's memory is freed.
      if !isSanitized { expectEqual(after.allocations, before.allocations) }
      expectEqual(after.stacks.inUse, before.stacks.inUse)
      #expect(after.switches - before.switches <= 2010)
      expectEqual(after.systemCalls, before.systemCalls)
    }
  }

  @Test func aTimerThatLosesAllocatesNothing() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let numbers = Channel<Int>()
      goAsync(daemon: true) { while true { try numbers.send(1) } }
      let before = try statistics()
      for _ in 0..<1000 { _ = try numbers.receiveOp().orTimeout(after: .seconds(9)).perform() }
      let after = try statistics()
      expectEqual(after.allocations, before.allocations)
      expectEqual(after.timers, before.timers)
    }
  }

  @Test func aSendOfAThreadCausesAtMostOneWakeup() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let numbers = Channel<Int>()
      let before = try statistics()
      let thread = PlainThread { for number in 0..<100 { try numbers.send(number) } }
      for _ in 0..<100 { _ = try numbers.receive() }
      let after = try statistics()
      try thread.join()
      #expect(after.sleeps - before.sleeps <= 110)
      #expect(after.wakeups - before.wakeups <= 110)
    }
  }

  @Test(arguments: parallelisms) func childrenOfThreadsAreCountedToo(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        try PlainThread { for _ in 0..<50 { nursery.goAsync {} } }.join()
        let cancelled = try withNursery {
          $0.cancel(); return $0.goAsync {}
        }
        #expect(cancelled.isFinished)
      }
      let statistics = try statistics()
      #expect(statistics.fibersSpawned == 51)
      #expect(statistics.fibersAlive == 0)
    }
  }

  /// The clock is real, because sleeps are counted.
  ///
  /// Timers that are due together need fewer sleeps, never more.
  @Test(arguments: [1, 2, 3]) func aTimerCostsOneSleepOnAnyNumberOfWorkers(workers: Int) throws {
    let fired = Counter()
    let statistics = try runFibers(Configuration(parallelism: workers)) {
      for number in 0..<10 {
        goAsync(daemon: true) {
          while true {
            try sleep(for: .milliseconds(3 + number))
            fired.add()
          }
        }
      }
      try sleep(for: .milliseconds(20))
      let before = (Scheduler.current!.statistics, fired.value)
      try sleep(for: .milliseconds(200))
      let after = Scheduler.current!.statistics
      return (
        sleeps: after.sleeps - before.0.sleeps, wakeups: after.wakeups - before.0.wakeups, fired: fired.value - before.1
      )
    }
    // A few more on a busy machine, where a late worker is inspected.
    let slack = 10 + statistics.fired / 10
    #expect(statistics.sleeps <= statistics.fired + slack)
    #expect(statistics.wakeups <= slack)
  }
}
