import NurseryCore
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// With migration: if a fiber that computes occupies every worker, a stand-in runs the other fibers.
///
/// The computing fibers end only after a queued fiber has run, so without a stand-in these tests do not end.
@Suite(.timeLimit(.minutes(2))) struct SpareWorkerTests {
  private func busy(_ workers: Int, timeSlice: Duration = .microseconds(200)) -> Configuration {
    Configuration(parallelism: workers, timeSlice: timeSlice, migration: .whenWaiting)
  }

  /// Occupies `count` threads at once, calls `body` on the last of them, and keeps them until `isReleased`.
  private func occupy(_ count: Int, until isReleased: Counter, _ body: @escaping () throws -> Void) -> [FiberCore<UInt>]
  {
    let occupied = Counter()
    return (0..<count).map { _ in
      spawn {
        if occupied.add() == count { try body() }
        while isReleased.value == 0 { sched_yield() }
        return threadNumber()
      }
    }
  }

  @Test(arguments: [2, 3]) func fibersThatComputeOnEveryWorkerDoNotDelayOthers(workers: Int) throws {
    for _ in 0..<20 {
      let isReleased = Counter()
      let statistics = try Scheduler.run(busy(workers)) {
        let fibers = occupy(workers, until: isReleased) { spawn { isReleased.add() } }
        for fiber in fibers { _ = try fiber.wait() }
        return Scheduler.current!.statistics
      }
      #expect(statistics.spares >= 1)
      #expect(statistics.takeovers >= 1)
      #expect(statistics.workers <= workers)
    }
  }

  @Test func theDefaultTimeSliceEndsToo() throws {
    let isReleased = Counter()
    try Scheduler.run(Configuration(parallelism: 2, migration: .whenWaiting)) {
      for fiber in occupy(2, until: isReleased, { spawn { isReleased.add() } }) { _ = try fiber.wait() }
    }
  }

  @Test func theBodyMayComputeToo() throws {
    let isReleased = Counter()
    try Scheduler.run(busy(2)) {
      let fibers = occupy(1, until: isReleased) {}
      spawn { isReleased.add() }
      while isReleased.value == 0 { sched_yield() }
      for fiber in fibers { _ = try fiber.wait() }
    }
  }

  @Test func aFiberThatAThreadMakesReadyIsNotDelayed() throws {
    let isReleased = Counter()
    let calls = Channel<Int>()
    try Scheduler.run(busy(2)) {
      spawn { isReleased.add(try calls.receive()) }
      Performer.yield()
      let occupied = Counter()
      let thread = PlainThread {
        while occupied.value == 0 { sched_yield() }
        try calls.send(1)
      }
      let fibers = occupy(2, until: isReleased) { occupied.add() }
      for fiber in fibers { _ = try fiber.wait() }
      try thread.join()
    }
  }

  @Test func timersFireAlthoughEveryWorkerComputes() throws {
    for _ in 0..<10 {
      let isReleased = Counter()
      try Scheduler.run(busy(2)) {
        let fibers = occupy(2, until: isReleased) {
          spawn {
            // Set on the stand-in, which has nothing to do meanwhile.
            for _ in 0..<3 { try sleep(for: .microseconds(50)) }
            isReleased.add()
          }
        }
        for fiber in fibers { _ = try fiber.wait() }
      }
    }
  }

  @Test func aFurtherStandInComesWhenTheFirstIsOccupiedToo() throws {
    let statistics = try Scheduler.run(busy(2)) {
      let isReleased = Counter()
      // Four at once, on two workers.
      for fiber in occupy(4, until: isReleased, { isReleased.add() }) { _ = try fiber.wait() }
      return Scheduler.current!.statistics
    }
    #expect(statistics.spares == 2)
  }

  @Test func thereAreNoMoreStandInsThanWorkers() throws {
    let most = Counter()
    let running = Counter()
    let statistics = try Scheduler.run(busy(2)) {
      let fibers = (0..<12).map { _ in
        spawn {
          let count = running.add()
          while most.value < count { most.add() }
          // Long enough for further stand-ins to start.
          let end = ContinuousClock.now + .milliseconds(2)
          while ContinuousClock.now < end { sched_yield() }
          running.add(-1)
        }
      }
      for fiber in fibers { try fiber.wait() }
      return Scheduler.current!.statistics
    }
    #expect(statistics.spares <= 2)
    #expect(most.value <= 4)
  }

  @Test func aStandInStepsBackWhenAWorkerMovesAgain() throws {
    try Scheduler.run(busy(2)) {
      let isReleased = Counter()
      let isOver = Counter()
      let places = (0..<4).map { _ in Place() }
      let spinners = occupy(2, until: isReleased) {
        for place in places {
          spawn {
            while isOver.value == 0 {
              // No worker runs now, so this is a stand-in.
              if place.visit() == 1000 { isReleased.add() }
              Performer.yield()
            }
          }
        }
      }
      let workers = Set(try spinners.map { try $0.wait() })
      #expect(workers.count == 2)
      // They only yield, so a fiber that stayed on the stand-in would keep it busy.
      while !places.allSatisfy({ workers.contains($0.last) }) { Performer.yield() }
      isOver.add()
    }
  }

  @Test func aWorkerThatMovesIsGivenTheQueueOfOneThatComputes() throws {
    let isReleased = Counter()
    let isOver = Counter()
    let threads = try Scheduler.run(busy(2)) { () -> (mover: UInt, released: UInt) in
      let mover = spawn {
        while isOver.value == 0 { Performer.yield() }
        return threadNumber()
      }
      let spinner = spawn { () -> UInt in
        let released = spawn { () -> UInt in
          isReleased.add()
          return threadNumber()
        }
        while isReleased.value == 0 { sched_yield() }
        isOver.add()
        return try released.wait()
      }
      return try (mover.wait(), spinner.wait())
    }
    #expect(threads.mover != 0 && threads.released != 0)
  }

  @Test func parallelismOneHasNoStandIn() throws {
    let thread = threadNumber()
    try Scheduler.run(busy(1)) {
      let fibers = (0..<10).map { _ in
        spawn {
          for _ in 0..<200 { Performer.yield() }
          return threadNumber()
        }
      }
      for fiber in fibers { expectEqual(try fiber.wait(), thread) }
      #expect(Scheduler.current!.statistics.spares == 0)
    }
  }
}

/// The thread on which a fiber ran last.
private final class Place: Sendable {
  private let thread = Atomic<UInt>(0)
  private let visits = Counter()

  func visit() -> Int {
    thread.store(threadNumber(), ordering: .relaxed)
    return visits.add()
  }

  var last: UInt { thread.load(ordering: .relaxed) }
}
