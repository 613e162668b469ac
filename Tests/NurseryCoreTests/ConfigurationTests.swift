import NurseryCore
import Testing

/// The error of an invalid configuration says what to write instead.
struct ConfigurationTests {
  @Test(arguments: [0, -1, 1025, Int.max, Int.min]) func anImpossibleParallelismThrows(workers: Int) {
    let error = expectThrows(ConfigurationError.self) {
      try Scheduler.run(Configuration(parallelism: workers)) {}
    }
    #expect(error?.description.contains("parallelism is \(workers)") == true)
    #expect(error?.description.contains("1 to 1024") == true)
  }

  @Test(arguments: [0, -1, 4096, 1 << 31, Int.max, Int.min]) func anImpossibleStackSizeThrows(size: Int) {
    let error = expectThrows(ConfigurationError.self) { try Scheduler.run(Configuration(stackSize: size)) {} }
    #expect(error?.description.contains("stackSize is \(size)") == true)
  }

  @Test(arguments: [.zero, .microseconds(-1), .microseconds(99), .seconds(61), .nanoseconds(Int64.max)] as [Duration])
  func anImpossibleTimeSliceThrows(timeSlice: Duration) {
    let error = expectThrows(ConfigurationError.self) { try Scheduler.run(Configuration(timeSlice: timeSlice)) {} }
    #expect(error?.description.contains("timeSlice is \(timeSlice)") == true)
    #expect(error?.description.contains("100 microseconds to 60 seconds") == true)
  }

  @Test func anImpossibleConfigurationDoesNotRunTheBody() {
    let runs = Counter()
    _ = try? Scheduler.run(Configuration(parallelism: 0)) { runs.add() }
    #expect(runs.value == 0)
  }

  @Test(arguments: [16 << 10, 64 << 10, 100_000, 1 << 20, 1 << 30]) func possibleStackSizesWork(size: Int) throws {
    let value = try Scheduler.run(Configuration(parallelism: 1, stackSize: max(size, sanitizedMinimum))) {
      try spawn { 7 }.wait()
    }
    #expect(value == 7)
  }

  /// Sanitized frames are larger than the smallest stack.
  private var sanitizedMinimum: Int { isSanitized ? 256 << 10 : 0 }

  @Test func deadlocksFailUnlessAskedToWait() {
    #expect(Configuration().onDeadlock == .fail)
    #expect(Configuration(onDeadlock: .wait).onDeadlock == .wait)
  }

  @Test func aDeterministicSchedulerReportsDeadlocksWithAnyOnDeadlock() {
    var configuration = Configuration.deterministic(seed: 1)
    configuration.onDeadlock = .wait
    let line = #line + 2
    let error = expectThrows(DeadlockError.self) {
      try Scheduler.run(configuration) { try Channel<Int>().receive() }
    }
    #expect(error?.fibers.map(\.waitsFor) == [["receive from a Channel<Int>"]])
    if SourceLines.isAvailable {
      #expect(error?.fibers.first?.line == "NurseryCoreTests/ConfigurationTests.swift:\(line)")
    }
  }

  @Test(arguments: [1, 2, 7, 64]) func theBodysValueIsReturned(workers: Int) throws {
    #expect(try Scheduler.run(Configuration(parallelism: workers)) { "value" } == "value")
    expectThrows(Oops(1)) { try Scheduler.run(Configuration(parallelism: workers)) { throw Oops(1) } }
  }

  @Test func theBodyRunsOnTheCallingThread() throws {
    var local = 0
    let before = Performer.current()
    try Scheduler.run(Configuration(parallelism: 2)) {
      for _ in 0..<100 {
        let number = try spawn { 1 }.wait()
        local += number
      }
    }
    #expect(local == 100)
    #expect(Performer.current() == before)
  }

  @Test func schedulersNest() throws {
    let value = try virtually {
      let inner = try Scheduler.run(Configuration(parallelism: 2)) { try spawn { 20 }.wait() }
      return try inner + spawn { 1 }.wait()
    }
    #expect(value == 21)
  }

  @Test func runningWaitsForEveryFiber() throws {
    let ended = Counter()
    try virtually {
      for number in 0..<10 {
        spawn {
          try sleep(for: .seconds(number))
          ended.add()
        }
      }
    }
    #expect(ended.value == 10)
  }
}
