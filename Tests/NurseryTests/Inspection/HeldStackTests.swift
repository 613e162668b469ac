import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The stack of a fiber that holds its worker, taken by a signal to its thread.
@Suite(.timeLimit(.minutes(5))) struct HeldStackTests {
  private typealias Stalls = Log<Scheduler.Stall>

  private static let firstLine = #line

  @inline(never) private static func grind(until isOver: () -> Bool) -> Int {
    var sum = 1
    while !isOver() {
      for number in 0..<1000 { sum = sum &* 31 &+ number }
    }
    return sum
  }

  private static let lastLine = #line

  /// Computes until a stall of the fiber has been found with a stack, in a build that can take one.
  ///
  /// A thread that is not given a processor in time leaves a stall without one; the next stall has another.
  private static func stall(of fiber: String, _ stalls: Stalls) -> Scheduler.Stall {
    while true {
      let before = stalls.entries.count
      _ = grind { stalls.entries.dropFirst(before).contains { $0.fiber == fiber } }
      let found = stalls.entries.dropFirst(before).first { $0.fiber == fiber }
      if let found, !found.stack.isEmpty || !SourceLines.isAvailable { return found }
      Fiber.yield()
    }
  }

  private func expectGrinding(_ stall: Scheduler.Stall?, location: SourceLocation = #_sourceLocation) {
    let stack = stall?.stack ?? []
    guard SourceLines.isAvailable else {
      #expect(stack == [], sourceLocation: location)
      return
    }
    let isFound = stack.contains { function in
      guard function.contains("grind()") else { return false }
      #if DEBUG
        let line = function.split(separator: ":").last.flatMap { Int($0) } ?? 0
        return function.contains(" at NurseryTests/HeldStackTests.swift:")
          && (Self.firstLine...Self.lastLine).contains(line)
      #else
        return true
      #endif
    }
    #expect(isFound, "\(stack)", sourceLocation: location)
    let text = stall?.description ?? ""
    #expect(text.contains("\n  it was in \(stack.first ?? "")"), sourceLocation: location)
  }

  private func configuration(_ workers: Int, _ stalls: Stalls) -> Configuration {
    Configuration(parallelism: workers, timeSlice: .milliseconds(1), onStall: { stalls.append($0) })
  }

  @Test(arguments: [1, 2]) func theFirstWorkersFiberIsShownWithItsStack(workers: Int) throws {
    let stalls = Stalls()
    let found = try runFibers(configuration(workers, stalls)) { Self.stall(of: "the root fiber", stalls) }
    expectGrinding(found)
  }

  @Test(arguments: [Configuration.Migration.never, .whenWaiting])
  func aStartedWorkersFiberIsShownWithItsStack(migration: Configuration.Migration) throws {
    let stalls = Stalls()
    var configuration = configuration(2, stalls)
    configuration.migration = migration
    let found = try runFibers(configuration) {
      let caller = threadNumber()
      while true {
        let isElsewhere = Guarded(false)
        let found = try withNursery { nursery in
          let child = nursery.goAsync("miller", placement: .spread) { () -> Scheduler.Stall in
            let found = Self.stall(of: "fiber \"miller\"", stalls)
            isElsewhere.withLock { $0 = threadNumber() != caller }
            return found
          }
          return try child.wait()
        }
        if isElsewhere.withLock({ $0 }) { return found }
      }
    }
    expectGrinding(found)
    #expect(found.site.description.hasPrefix("NurseryTests/HeldStackTests.swift:"))
  }

  @Test func aGeneratorThatComputesIsShown() throws {
    let stalls = Stalls()
    let found = try runFibers(configuration(1, stalls)) {
      let generator = Generator<Scheduler.Stall> { yielder in
        try yielder.yield(Self.stall(of: "the root fiber", stalls))
      }
      for found in generator { return found }
      throw Oops()
    }
    expectGrinding(found)
  }

  @Test func aHeldWorkersLintShowsTheStack() throws {
    let lints = Log<Lint>()
    let configuration = Configuration(
      parallelism: 1, timeSlice: .microseconds(100), lints: .to { if $0.kind == .heldWorker { lints.append($0) } })
    try runFibers(configuration) {
      try withNursery { nursery in
        nursery.goAsync("waits") {}
        _ = Self.grind { !lints.entries.isEmpty }
      }
    }
    let text = try #require(lints.entries.first).description
    #expect(text.hasPrefix("the root fiber has computed for "))
    // Its thread may have been without a processor.
    if SourceLines.isAvailable { #expect(text.contains("grind()") || text.contains("its stack is not known")) }
  }

  /// A signal would end `poll` early, whatever its flags.
  @Test func aFiberThatSleepsInASystemCallIsNotInterrupted() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let writer = ends[1]
    let stalls = Stalls()
    let configuration = Configuration(
      parallelism: 1, timeSlice: .milliseconds(1),
      onStall: { stall in
        stalls.append(stall)
        var byte: UInt8 = 1
        write(writer, &byte, 1)
      })
    let (count, code) = try runFibers(configuration) {
      var descriptors = [pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)]
      let count = poll(&descriptors, 1, -1)
      return (count, errno)
    }
    #expect(count == 1, "errno \(code)")
    #expect(stalls.entries.count > 0)
  }

  private static var mask: [Bool] {
    var signals = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &signals)
    return (1...64).map { sigismember(&signals, $0) == 1 }
  }

  @Test(.enabled(if: SourceLines.isAvailable)) func aFiberThatBlocksTheSignalHasNoStackAndTheReportSaysSo() throws {
    let stalls = Stalls()
    try runFibers(configuration(1, stalls)) {
      var all = sigset_t()
      var before = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, &before)
      _ = Self.grind { stalls.entries.contains { $0.description.contains("blocks signal") } }
      pthread_sigmask(SIG_SETMASK, &before, nil)
    }
    let stall = try #require(stalls.entries.last)
    #expect(stall.stack == [])
    #expect(stall.description.contains("(its stack is not known: its thread blocks signal "))
  }

  @Test func theCallersMaskIsTheSameAfterTheRun() throws {
    try PlainThread {
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_SETMASK, &all, nil)
      let before = Self.mask
      let stalls = Stalls()
      let inside = try runFibers(configuration(1, stalls)) { Self.mask }
      let opened = zip(before, inside).count { $0 && !$1 }
      #expect(opened == (SourceLines.isAvailable ? 1 : 0))
      #expect(Self.mask == before)
      // Without reports nothing is changed, nor by a run inside a run.
      #expect(try runFibers(Configuration(parallelism: 1), { Self.mask }) == before)
      let outer = try runFibers(configuration(1, stalls)) {
        _ = try runFibers(configuration(1, stalls)) {}
        return Self.mask
      }
      #expect(outer == inside)
      #expect(Self.mask == before)
    }.join()
  }

  @Test func stacksAreTakenWhileWorkersRetireRunsEndAndDumpsAreTaken() throws {
    let stalls = Stalls()
    let isOver = Counter()
    let dumper = PlainThread { while isOver.value == 0 { _ = FiberDump.all() } }
    let others = (0..<2).map { _ in
      PlainThread {
        for round in 0..<30 {
          try? runFibers(
            Configuration(parallelism: 3, timeSlice: .microseconds(100), onStall: { stalls.append($0) })
          ) {
            try withNursery { nursery in
              for number in 0..<4 {
                nursery.goAsync(placement: .spread) {
                  let end = ContinuousClock.now + .microseconds(150 + 40 * number + 10 * round)
                  _ = Self.grind { ContinuousClock.now > end }
                  Fiber.yield()
                }
              }
              try Scheduler.current?.retireWorker()
              Fiber.yield()
              try Scheduler.current?.spawnWorker()
            }
          }
        }
      }
    }
    for other in others { try other.join() }
    isOver.add()
    try dumper.join()
    for stall in stalls.entries.suffix(3) where !stall.stack.isEmpty {
      #expect(stall.description.contains(stall.stack[0]))
    }
  }
}
