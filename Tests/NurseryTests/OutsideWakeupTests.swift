import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A wakeup from outside the scheduler may be announced.
struct OutsideWakeupTests {
  /// Waits for the result of another thread.
  ///
  /// Not a task, because tests may occupy all threads that tasks run on.
  private func awaiting<Value: Sendable>(_ body: @escaping @Sendable () -> Value) throws -> Value {
    let outcome = Channel<Value>(.bounded(1))
    let thread = PlainThread { _ = try outcome.trySend(body()) }
    defer { try? thread.join() }
    return try withOutsideWakeup { try outcome.receive() }
  }

  @Test func virtualTimeStandsStillWhileAWakeupFromOutsideIsAnnounced() throws {
    for workers in parallelisms {
      try virtually(workers) {
        let start = FiberClock.now
        let value = try withTimeoutOrNil(.seconds(5)) {
          try awaiting {
            usleep(1000)
            return 7
          }
        }
        #expect(value == 7)
        #expect(FiberClock.now == start)
      }
    }
  }

  @Test func aDeterministicSchedulerReportsNoDeadlockWhileOneIsAnnounced() throws {
    try runFibers(.deterministic(seed: 1)) {
      try expectEqual(awaiting { 7 }, 7)
      try withNursery { nursery in
        for number in 0..<4 { nursery.goAsync { try expectEqual(awaiting { number }, number) } }
      }
    }
  }

  @Test func whenTheLastOneEndsTimeGoesOnAndDeadlocksAreReported() throws {
    for configuration in [Configuration.virtual(1), .virtual(2), .deterministic(seed: 1)] {
      try runFibers(configuration) {
        let start = FiberClock.now
        let wakeups = (0..<3).map { _ in OutsideWakeup() }
        let thread = PlainThread {
          for wakeup in wakeups {
            wakeup.end()
            wakeup.end()
          }
        }
        try sleep(for: .seconds(3))
        #expect(FiberClock.now == start + .seconds(3))
        try thread.join()
      }
    }
    let thread = Box(Guarded<PlainThread<Void>?>(nil))
    expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let wakeup = OutsideWakeup()
        thread.value.withLock { $0 = PlainThread { wakeup.end() } }
        try Op<Void>.never.perform()
      }
    }
    try thread.value.withLock { $0 }?.join()
  }

  @Test func oneThatIsDroppedEnds() throws {
    expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        _ = OutsideWakeup()
        try Op<Void>.never.perform()
      }
    }
  }

  @Test func oneMayOutliveItsSchedulerAndBeEndedOnAnyThread() throws {
    var kept: [OutsideWakeup] = []
    for workers in parallelisms {
      for _ in 0..<50 {
        let wakeup = try virtually(workers) { OutsideWakeup() }
        kept.append(wakeup)
        let other = try virtually(workers) { OutsideWakeup() }
        let thread = PlainThread { other.end() }
        try virtually(workers) { try sleep(for: .seconds(1)) }
        try thread.join()
      }
    }
    for wakeup in kept { wakeup.end() }
  }

  @Test func theExplorerSaysThatWhatDependsOnTheOutsideIsNotExhausted() throws {
    let alone = try exploreSchedules {
      try withNursery { nursery in _ = nursery.goAsync { Fiber.yield() } }
    }
    #expect(alone.isExhausted)
    let report = try exploreSchedules(.exhaustive(limit: 50)) {
      let value = try awaiting { 1 }
      try hold(value == 1, "\(value)")
    }
    #expect(!report.isExhausted)
    let blocked = try exploreSchedules(.exhaustive(limit: 50)) { try blocking { () } }
    #expect(!blocked.isExhausted)
  }

  @Test func theBodysValueAndErrorPassThrough() throws {
    try virtually {
      expectEqual(withOutsideWakeup { 3 }, 3)
      expectThrows(Oops()) { try withOutsideWakeup { throw Oops() } }
    }
    #expect(withOutsideWakeup { 4 } == 4)
  }
}
