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

/// What is reported of a program's habits while it runs.
struct LintTests {
  /// In optimised code the frame of a call may be another's, into which the closure was inlined.
  private var hasLines: Bool {
    #if DEBUG
      SourceLines.isAvailable
    #else
      false
    #endif
  }

  /// The lints of a run in virtual time, except that a fiber holds its worker, as each may on a slow machine.
  private func lints(_ body: () throws -> Void) throws -> [Lint] {
    let found = Log<Lint>()
    var configuration = Configuration(parallelism: 1, clock: .virtual)
    configuration.lints = .to { if $0.kind != .heldWorker { found.append($0) } }
    try runFibers(configuration, body)
    return found.entries
  }

  @Test func aScopeThatEndsLongAfterItsCancellationIsALint() throws {
    let line = #line + 2
    let found = try lints {
      _ = try withTimeoutOrNil(.seconds(1)) {
        try withShield { try sleep(for: .seconds(8)) }
      }
    }
    #expect(found.map(\.kind) == [.ignoredCancellation])
    #expect(found.first?.line == "NurseryTests/LintTests.swift:\(line)")
    #expect(
      found.first?.description.hasPrefix(
        "a scope opened at NurseryTests/LintTests.swift:\(line) ended 7 s after it was cancelled (its deadline passed): "
      )
        == true)
    #expect(found.first?.description.contains("Fiber.checkCancellation()") == true)
  }

  @Test func aLineIsReportedOnceInARun() throws {
    let found = try lints {
      for _ in 0..<3 {
        try withNursery("slow") { nursery in
          nursery.goAsync { try withShield { try sleep(for: .seconds(6)) } }
          Fiber.yield()
          nursery.cancel()
        }
      }
    }
    #expect(found.map(\.kind) == [.ignoredCancellation])
    #expect(found.first?.description.hasPrefix("nursery \"slow\" opened at NurseryTests/LintTests.swift:") == true)
  }

  @Test func scopesThatEndInTimeAreNoLints() throws {
    let found = try lints {
      _ = try withTimeoutOrNil(.seconds(1)) { try sleep(for: .seconds(60)) }
      try withNursery { nursery in
        nursery.goAsync { try withShield { try sleep(for: .seconds(4)) } }
        Fiber.yield()
        nursery.cancel()
      }
      try withTimeout(.seconds(60)) { try withShield { try sleep(for: .seconds(30)) } }
    }
    #expect(found == [])
  }

  @Test func anUnboundedChannelThatGrowsIsALint() throws {
    let found = Log<Lint>()
    var line = 0
    try runFibers(Configuration(parallelism: 1, lints: .to { found.append($0) })) {
      let bounded = Channel<Int>(.bounded(70_000))
      let channel = Channel<Int>(.unbounded)
      line = #line + 1
      for number in 0..<40_000 { try channel.send(number) }
      for number in 0..<70_000 { try bounded.send(number) }
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.map(\.kind) == [.growingChannel])
    #expect(found.entries.first?.description.hasPrefix("an unbounded Channel holds 32768 elements and grows") == true)
    if hasLines { #expect(found.entries.first?.line == "NurseryTests/LintTests.swift:\(line)") }
  }

  @Test func aBlockingCallThatWaitsLongerThanItRunsIsALint() throws {
    let found = Log<Lint>()
    let pool = BlockingPool(limit: 1, shortestLintedWait: .zero)
    let line = "NurseryTests/LintTests.swift:\(#line + 8)"
    // A thread that is not given a processor may make the second body last for longer than its wait.
    while !found.entries.contains(where: { $0.line == line || !hasLines }) {
      let lints = Lint.Reporting.to { if $0.kind != .heldWorker { found.append($0) } }
      try runFibers(Configuration(parallelism: 1, lints: lints)) {
        try withNursery { nursery in
          let gate = Guarded(false)
          nursery.goAsync { try pool.call { while !gate.withLock({ $0 }) {} } }
          nursery.goAsync { try pool.call {} }
          for _ in 0..<1000 { Fiber.yield() }
          gate.withLock { $0 = true }
        }
      }
    }
    #expect(found.entries.allSatisfy { $0.kind == .queuedBlockingCall })
    #expect(found.entries.first?.description.contains("for one of the pool's 1 threads") == true)
  }

  @Test func aFiberThatHoldsItsWorkerWhileOthersWaitIsALint() throws {
    let found = Log<Lint>()
    let line = "NurseryTests/LintTests.swift:\(#line + 9)"
    // On a slow machine the root may hold its worker first.
    @Sendable func isTold() -> Bool { found.entries.contains { $0.line == line || !hasLines } }
    let configuration = Configuration(
      parallelism: 1, timeSlice: .microseconds(100), lints: .to { if $0.kind == .heldWorker { found.append($0) } })
    try runFibers(configuration) {
      try withNursery { nursery in
        for _ in 0..<2 {
          // The first that runs keeps the other waiting.
          nursery.goAsync { while !isTold() { sched_yield() } }
        }
      }
    }
    let told = found.entries.first { $0.line == line || !hasLines }
    #expect(told?.description.contains("has computed for") == true)
    #expect(told?.description.contains("call Fiber.yield() now and then") == true)
  }

  @Test func aCancelledFiberThatRunsOnIsALint() throws {
    let found = Log<Lint>()
    let lints = Lint.Reporting.to { if $0.kind == .lateCancellationPoint { found.append($0) } }
    var line = 0
    try runFibers(Configuration(parallelism: 1, timeSlice: .microseconds(100), lints: lints)) {
      try withCancelScope { scope in
        scope.cancel()
        let end = ContinuousClock.now + .milliseconds(20)
        while ContinuousClock.now < end {}
        line = #line + 1
        try Fiber.checkCancellation()
      }
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.count == 1)
    #expect(found.entries.first?.description.hasPrefix("the root fiber, which was cancelled, ran for ") == true)
    if hasLines { #expect(found.entries.first?.line == "NurseryTests/LintTests.swift:\(line)") }
  }

  @Test func aFiberThatAsksInTimeWhetherItIsCancelledIsNoLint() throws {
    let found = Log<Lint>()
    let lints = Lint.Reporting.to { if $0.kind == .lateCancellationPoint { found.append($0) } }
    // Ten of these are longer than the whole run.
    try runFibers(Configuration(parallelism: 1, timeSlice: .seconds(60), lints: lints)) {
      try withCancelScope { scope in
        scope.cancel()
        while !Fiber.isCancelled {}
        try Fiber.checkCancellation()
      }
      _ = try withTimeoutOrNil(.milliseconds(1)) { while true { try Fiber.checkCancellation() } }
    }
    #expect(found.entries == [])
  }

  private final class Connection: Sendable {
    let acknowledgements: Channel<Int>
    init(_ acknowledgements: Channel<Int>) { self.acknowledgements = acknowledgements }
    static let line = #line + 1
    deinit { _ = try? acknowledgements.receive() }
  }

  @Test func anOperationThatWaitsInADeinitIsALint() throws {
    let found = Log<Lint>()
    let lints = Lint.Reporting.to { if $0.kind == .waitInDeinit { found.append($0) } }
    try runFibers(Configuration(parallelism: 1, clock: .virtual, lints: lints)) {
      try withNursery { nursery in
        let acknowledgements = Channel<Int>()
        nursery.goAsync { for _ in 0..<3 { _ = try acknowledgements.receive() } }
        nursery.goAsync {
          var connections: [AnyObject] = []
          for _ in 0..<3 { connections.append(Connection(acknowledgements)) }
          connections.removeAll()
        }
        for number in 0..<6 { try acknowledgements.send(number) }
      }
    }
    expectSoon { !found.entries.isEmpty }
    #expect(found.entries.count == 1)
    #expect(found.entries.first?.description.hasPrefix("an operation waits at ") == true)
    if hasLines { #expect(found.entries.first?.line == "NurseryTests/LintTests.swift:\(Connection.line)") }
  }

  #if DEBUG
    @Test func aCallThatBlocksATaskInTheAsyncFunctionItselfIsALint() async {
      let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        try await blockInAsyncFunction()
      }
      #expect(standardError(result).contains("blocks the thread of a Swift task"))
    }

    /// In a process of its own, because it is reported once in a process.
    @Test func aCallThatBlocksATasksThreadIsALintOnce() async throws {
      let result = try await #require(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        try synchronously {
          for _ in 0..<3 { try sleep(for: .milliseconds(1)) }
        }
      }
      let text = String(decoding: result.standardErrorContent, as: UTF8.self)
      #expect(text.contains("blocks the thread of a Swift task"))
      #expect(text.split(separator: "\n").filter { $0.contains("try await withNursery { }") }.count == 1)
    }
  #endif
}

/// The innermost frame of the program's own is that of an async function.
private func blockInAsyncFunction() async throws {
  let channel = Channel<Int>()
  let thread = PlainThread {
    while channel.statistics.waitingReceivers == 0 { try sleep(for: .milliseconds(1)) }
    channel.close()
  }
  #expect(Array(channel) == [])
  try await blocking { try thread.join() }
}
