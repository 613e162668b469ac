import NurseryCore
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The order in which fibers run, and on which threads.
struct SchedulerTests {
  @Test func fibersStartInTheOrderTheyAreSpawnedAndTakeTurns() throws {
    let order = Log<Int>()
    try virtually {
      for number in 0..<3 {
        spawn {
          order.append(number)
          Performer.yield()
          order.append(10 + number)
        }
      }
      #expect(order.entries == [])
    }
    #expect(order.entries == [0, 1, 2, 10, 11, 12])
  }

  @Test func aPairThatKeepsWakingEachOtherDoesNotStarveTheRest() throws {
    let ran = Atomic<Bool>(false)
    let turns = try virtually {
      let ball = Channel<Int>()
      let player = spawn { for number in ball { if number < 0 { break } } }
      spawn { ran.store(true, ordering: .relaxed) }
      var turns = 0
      while !ran.load(ordering: .relaxed), turns < 100_000 {
        try ball.send(1)
        turns += 1
      }
      try ball.send(-1)
      _ = try player.wait()
      return turns
    }
    #expect(turns < 1000)
  }

  @Test func aFiberWhoseOperationsAreAlwaysReadyLetsOthersAndTimersHaveTheirTurn() throws {
    try Scheduler.run(Configuration(parallelism: 1)) {
      let numbers = Channel<Int>(.bounded(1))
      let turns = Counter()
      let timers = Counter()
      _ = spawn { turns.add() }
      _ = spawn {
        try sleep(for: .microseconds(1))
        timers.add()
      }
      var rounds = 0
      while timers.value == 0, rounds < 10_000_000 {
        try numbers.send(1)
        _ = try numbers.receive()
        rounds += 1
        if rounds == 1000 { #expect(turns.value == 1) }
      }
      #expect(timers.value == 1)
    }
  }

  @Test func theBodyStaysOnItsThread() throws {
    let thread = pthread_self()
    let strayed = try Scheduler.run(Configuration(parallelism: 3)) {
      let channel = Channel<Int>(.bounded(1))
      for _ in 0..<4 {
        spawn { for number in 0..<200 { try channel.send(number) } }
      }
      var strayed = 0
      for number in 0..<800 {
        _ = try channel.receive()
        if number % 10 == 0 { try sleep(for: .microseconds(1)) }
        if number % 7 == 0 { Performer.yield() }
        if pthread_equal(thread, pthread_self()) == 0 { strayed += 1 }
      }
      return strayed
    }
    #expect(strayed == 0)
  }

  @Test(arguments: [2, 3]) func aBodyThatComputesDoesNotDelayItsFibers(workers: Int) throws {
    for _ in 0..<50 {
      try Scheduler.run(Configuration(parallelism: workers)) {
        let done = Counter()
        spawn { _ = done.add() }
        while done.value == 0 { sched_yield() }
      }
    }
  }

  @Test(arguments: [2, 3]) func aFiberThatComputesDoesNotDelayItsQueue(workers: Int) throws {
    for _ in 0..<50 {
      let first = Counter()
      let second = Counter()
      try Scheduler.run(Configuration(parallelism: workers)) {
        let fibers = [
          spawn {
            first.add()
            while second.value == 0 { sched_yield() }
          },
          spawn {
            second.add()
            while first.value == 0 { sched_yield() }
          },
        ]
        for fiber in fibers { try fiber.wait() }
      }
    }
  }

  @Test(arguments: [2, 3]) func ifFibersMigrateATimerFiresAlthoughItsWorkerComputes(workers: Int) throws {
    for _ in 0..<20 {
      let fired = Counter()
      try Scheduler.run(Configuration(parallelism: workers, migration: .whenWaiting)) {
        spawn {
          try sleep(for: .microseconds(100))
          fired.add()
        }
        Performer.yield()
        while fired.value == 0 { sched_yield() }
      }
    }
  }

  @Test(arguments: [1, 2, 3]) func aWakeupFromAPlainThreadIsNeverLost(workers: Int) throws {
    let channel = Channel<Int>()
    let thread = PlainThread {
      for number in 0..<300 {
        try channel.send(number)
        if number % 10 == 0 { sched_yield() }
      }
    }
    let sum = try Scheduler.run(Configuration(parallelism: workers)) {
      let fibers = (0..<3).map { _ in
        spawn { () -> Int in
          var sum = 0
          for _ in 0..<100 { sum += try channel.receive() }
          return sum
        }
      }
      return try fibers.reduce(0) { try $0 + $1.wait() }
    }
    try thread.join()
    #expect(sum == 44_850)
  }

  @Test(arguments: [1, 2, 3]) func manyFibersLiveAtOnce(workers: Int) throws {
    // The thread sanitizer supports only some thousands of fibers.
    let count = isSanitized ? 1000 : 20_000
    let waiting = Counter()
    let sum = try virtually(workers) {
      let gate = Condition()
      let fibers = (0..<count).map { number in
        spawn { () -> Int in
          waiting.add()
          try gate.wait()
          return number
        }
      }
      while waiting.value < count { Performer.yield() }
      gate.signal()
      return try fibers.reduce(0) { try $0 + $1.wait() }
    }
    #expect(sum == count * (count - 1) / 2)
  }

  @Test func fibersHaveDifferentNumbers() throws {
    let numbers = try Scheduler.run(Configuration(parallelism: 2)) {
      let fibers = (0..<5000).map { _ in spawn { Performer.current().id } }
      return try fibers.map { try $0.wait() }
    }
    #expect(Set(numbers).count == 5000)
    #expect(!numbers.contains(0))
  }

  @Test(arguments: parallelisms) func deepSpawningEnds(workers: Int) throws {
    func descend(_ depth: Int) throws -> Int {
      depth == 0 ? 0 : try spawn { try descend(depth - 1) }.wait() + 1
    }
    #expect(try virtually(workers) { try descend(2000) } == 2000)
  }

  /// FE_UPWARD, which the importer finds twice; to nearest is 0.
  #if arch(x86_64)
    private let upward: Int32 = 0x800
  #else
    private let upward: Int32 = 0x40_0000
  #endif

  @Test(arguments: parallelisms) func floatingPointStateBelongsToTheFiber(workers: Int) throws {
    let rounding = try virtually(workers) {
      let upwards = spawn { () -> Bool in
        fesetround(upward)
        for _ in 0..<10 {
          Performer.yield()
          if fegetround() != upward { return false }
        }
        return true
      }
      let nearest = spawn { () -> Bool in
        for _ in 0..<10 {
          Performer.yield()
          if fegetround() != 0 { return false }
        }
        return true
      }
      return try [upwards.wait(), nearest.wait(), fegetround() == 0]
    }
    #expect(rounding == [true, true, true])
  }
}
