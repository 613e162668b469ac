import NurseryCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Workers are added and retired while fibers run.
///
/// The time slice is so long that no worker counts as held.
@Suite(.timeLimit(.minutes(2))) struct WorkerCountTests {
  private func run<Result>(
    _ workers: Int, migration: Configuration.Migration = .never, _ body: (Scheduler) throws -> Result
  ) throws -> Result {
    try Scheduler.run(Configuration(parallelism: workers, timeSlice: .seconds(60), migration: migration)) {
      try body(Scheduler.current!)
    }
  }

  /// Runs `count` fibers, none of which ends before all run; returns the threads they ran on.
  private func meet(_ count: Int) throws -> Set<UInt> {
    let arrived = Counter()
    let fibers = (0..<count).map { _ in
      spawn {
        arrived.add()
        while arrived.value < count { sched_yield() }
        return threadNumber()
      }
    }
    return Set(try fibers.map { try $0.wait() })
  }

  private func waitFor(_ workers: Int, in scheduler: Scheduler) {
    while scheduler.statistics.workers != workers { Performer.yield() }
  }

  @Test func addedWorkersTakeWork() throws {
    try run(2) { scheduler in
      _ = try meet(2)
      for _ in 0..<3 { try scheduler.spawnWorker() }
      #expect(scheduler.statistics.workers == 5)
      expectEqual(try meet(5).count, 5)
      #expect(scheduler.statistics.spares <= 1)
    }
  }

  @Test func workersAddedUnderLoadTakeWhatIsQueued() throws {
    try run(2) { scheduler in
      let arrived = Counter()
      let fibers = (0..<3).map { _ in
        spawn {
          // Two run; the third needs another worker.
          if arrived.add() == 2 { try scheduler.spawnWorker() }
          while arrived.value < 3 { sched_yield() }
        }
      }
      for fiber in fibers { try fiber.wait() }
    }
  }

  @Test func whenTheOthersAreRetiredEverythingRunsOnTheFirst() throws {
    let here = threadNumber()
    try run(3) { scheduler in
      _ = try meet(3)
      try scheduler.retireWorker()
      try scheduler.retireWorker()
      waitFor(1, in: scheduler)
      let fibers = (0..<200).map { _ in
        spawn {
          Performer.yield()
          return threadNumber()
        }
      }
      for fiber in fibers { expectEqual(try fiber.wait(), here) }
      #expect(scheduler.statistics.fibersAlive == 0)
      try scheduler.spawnWorker()
      expectEqual(try meet(2).count, 2)
    }
  }

  @Test func aRetiredWorkerIsNotStartedAgainByACallForHelp() throws {
    try run(2) { scheduler in
      try scheduler.retireWorker()
      for _ in 0..<1000 { spawn {} }
      for _ in 0..<10 { Performer.yield() }
      #expect(scheduler.statistics.workers == 1)
    }
  }

  @Test func oneThatComputesLeavesWhenItsFiberSuspends() throws {
    try run(2) { scheduler in
      let isRunning = Counter()
      let isReleased = Counter()
      let ran = Counter()
      let fiber = spawn {
        isRunning.add()
        for _ in 0..<100 { spawn { ran.add() } }
        while isReleased.value == 0 { sched_yield() }
        Performer.yield()
        return 7
      }
      while isRunning.value == 0 { sched_yield() }
      try scheduler.retireWorker()
      #expect(scheduler.statistics.workers == 2)
      isReleased.add()
      expectEqual(try fiber.wait(), 7)
      waitFor(1, in: scheduler)
      while ran.value < 100 { Performer.yield() }
    }
  }

  @Test func fibersQueuedOnARetiredWorkerAreNotLost() throws {
    for _ in 0..<50 {
      try run(2) { scheduler in
        let ran = Counter()
        let isRunning = Counter()
        spawn {
          isRunning.add()
          for _ in 0..<300 {
            spawn {
              for _ in 0..<3 { Performer.yield() }
              ran.add()
            }
          }
        }
        while isRunning.value == 0 { sched_yield() }
        try scheduler.retireWorker()
        while ran.value < 300 { Performer.yield() }
        waitFor(1, in: scheduler)
      }
    }
  }

  @Test func oneThatHasNotLeftYetStaysInstead() throws {
    try run(2) { scheduler in
      let isRunning = Counter()
      let isReleased = Counter()
      let fiber = spawn {
        isRunning.add()
        while isReleased.value == 0 { sched_yield() }
        return threadNumber()
      }
      while isRunning.value == 0 { sched_yield() }
      try scheduler.retireWorker()
      try scheduler.spawnWorker()
      #expect(scheduler.statistics.workers == 2)
      isReleased.add()
      let thread = try fiber.wait()
      expectEqual(try meet(2).contains(thread), true)
      #expect(scheduler.statistics.workers == 2)
    }
  }

  @Test func aRetiredWorkerRunsTheFibersThatBeganThereUntilTheyEnd() throws {
    try run(2) { scheduler in
      let ball = Channel<Int>()
      let hasBegun = Counter()
      let player = spawn { () -> Set<UInt> in
        hasBegun.add()
        var threads: Set = [threadNumber()]
        for _ in ball { threads.insert(threadNumber()) }
        return threads
      }
      while hasBegun.value == 0 { sched_yield() }
      try scheduler.retireWorker()
      for number in 0..<100 {
        try ball.send(number)
        if number % 10 == 0 { try sleep(for: .microseconds(10)) }
        // A fresh fiber begins here.
        expectEqual(try spawn { threadNumber() }.wait(), threadNumber())
      }
      #expect(scheduler.statistics.workers == 2)
      ball.close()
      let threads = try player.wait()
      #expect(threads.count == 1 && !threads.contains(threadNumber()))
      waitFor(1, in: scheduler)
    }
  }

  @Test func theirTimersFireWhileTheOthersAreBusy() throws {
    try run(2, migration: .whenWaiting) { scheduler in
      let (fired, _) = try setTimersElsewhere(50, for: .milliseconds(1), scheduler)
      // This worker never sleeps. The parked worker wakes for its timers.
      while fired.value < 50 { Performer.yield() }
    }
  }

  @Test func theirTimersFireWhileTheOthersSleep() throws {
    var configuration = Configuration.virtual(2)
    configuration.migration = .whenWaiting
    try Scheduler.run(configuration) {
      let (fired, fibers) = try setTimersElsewhere(50, for: .seconds(3600), Scheduler.current!)
      #expect(fired.value == 0)
      for fiber in fibers { try fiber.wait() }
      #expect(fired.value == 50)
    }
  }

  @Test func theirTimersCanBeCancelled() throws {
    try run(2, migration: .whenWaiting) { scheduler in
      let (fired, fibers) = try setTimersElsewhere(50, for: .seconds(3600), scheduler)
      #expect(scheduler.statistics.timers == 50)
      for fiber in fibers { fiber.cancel() }
      for fiber in fibers { expectThrows(CancellationError.self) { try fiber.wait() } }
      #expect(fired.value == 0)
      #expect(scheduler.statistics.timers == 0)
    }
  }

  /// Sets timers on the other worker, and retires it.
  private func setTimersElsewhere(
    _ count: Int, for duration: Duration, _ scheduler: Scheduler
  ) throws -> (fired: Counter, fibers: [FiberCore<Void>]) {
    let fired = Counter()
    let fibers = (0..<count).map { _ in
      spawn {
        try sleep(for: duration)
        fired.add()
      }
    }
    while scheduler.statistics.timers + fired.value < count { sched_yield() }
    try scheduler.retireWorker()
    while scheduler.statistics.workers > 1 { sched_yield() }
    return (fired, fibers)
  }

  @Test func aThreadMayDoItToo() throws {
    try run(2) { scheduler in
      let thread = PlainThread {
        try scheduler.spawnWorker()
        try scheduler.spawnWorker()
        try scheduler.retireWorker()
      }
      try thread.join()
      expectEqual(try meet(3).count, 3)
    }
  }

  @Test func aParkedThreadIsUsedAgain() throws {
    try run(2) { scheduler in
      let other = try meet(2).subtracting([threadNumber()])
      try scheduler.retireWorker()
      waitFor(1, in: scheduler)
      #expect(scheduler.statistics.spares == 1)
      try scheduler.spawnWorker()
      #expect(scheduler.statistics.spares == 0)
      expectEqual(try meet(2).subtracting([threadNumber()]), other)
    }
  }

  @Test func placesAreUsedAgain() throws {
    try run(2) { scheduler in
      // More often than the table has places.
      for _ in 0..<300 {
        try scheduler.spawnWorker()
        try scheduler.retireWorker()
      }
      expectEqual(try meet(2).count, 2)
    }
  }

  // MARK: Refused calls

  @Test(arguments: [Configuration(parallelism: 1), .virtual(), .deterministic(seed: 1)])
  func aSchedulerThatWasStartedWithOneWorkerGetsNoSecond(configuration: Configuration) throws {
    try Scheduler.run(configuration) {
      let error = expectThrows(ConfigurationError.self) { try Scheduler.current!.spawnWorker() }
      #expect(error?.description.contains("start it with parallelism: 2 or more") == true)
      let other = expectThrows(ConfigurationError.self) { try Scheduler.current!.retireWorker() }
      #expect(other?.description.contains("cannot be retired") == true)
    }
  }

  @Test func theFirstWorkerStays() throws {
    try run(2) { scheduler in
      try scheduler.retireWorker()
      expectThrows(ConfigurationError.self) { try scheduler.retireWorker() }
      try scheduler.spawnWorker()
      expectEqual(try meet(2).count, 2)
    }
  }

  @Test func afterTheRunThereIsNothingToChange() throws {
    let scheduler = try run(2) { $0 }
    let error = expectThrows(ConfigurationError.self) { try scheduler.spawnWorker() }
    #expect(error?.description.contains("spawnWorker() came when the scheduler's run had ended") == true)
    expectThrows(ConfigurationError.self) { try scheduler.retireWorker() }
  }

  /// The thread sanitizer has room for fewer threads.
  @Test(.enabled(if: !isSanitized)) func thereIsAMost() throws {
    try run(2) { scheduler in
      for _ in 2..<256 { try scheduler.spawnWorker() }
      let error = expectThrows(ConfigurationError.self) { try scheduler.spawnWorker() }
      #expect(error?.description.contains("256") == true)
      expectEqual(try meet(20).count, 20)
    }
  }
}
