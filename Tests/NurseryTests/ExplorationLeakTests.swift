import Nursery
import Testing

/// A run that leaves something behind fails.
@Suite struct ExplorationLeakTests {
  private func leak(_ body: () throws -> Void) throws -> ExplorationError? {
    let failure = try #require(throws: ExplorationFailure.self) { try exploreSchedules { try body() } }
    return failure.error as? ExplorationError
  }

  @Test func aHandleKeptOutsideTheBodyIsALeakAndNamed() throws {
    var kept: Fiber<Int>?
    let found = try leak {
      try withNursery { nursery in
        nursery.goAsync("dropped") { 1 }
        kept = nursery.goAsync("reader") { 2 }
      }
    }
    #expect(found == .leak(fibers: ["fiber \"reader\""], stacks: 0, timers: 0))
    try #expect(kept?.wait() == 2)
    let text = try #require(found).description
    #expect(text.contains("fiber \"reader\", whose handle is still held"))
    #expect(text.contains("variables of the body"))
  }

  @Test func aFiberWithoutANameIsGivenANumber() throws {
    var kept: [Fiber<Void>] = []
    let found = try leak {
      try withNursery { nursery in
        nursery.goAsync {}
        kept.append(nursery.goAsync {})
      }
    }
    #expect(found == .leak(fibers: ["a fiber without a name, number 2 of the run"], stacks: 0, timers: 0))
    #expect(kept.count == 1)
  }

  @Test func aHandleOfAFiberThatNeverRanIsALeak() throws {
    var kept: Fiber<Void>?
    let found = try leak {
      try withNursery { nursery in
        nursery.cancel()
        kept = nursery.goAsync("late") {}
      }
    }
    #expect(found == .leak(fibers: ["fiber \"late\""], stacks: 0, timers: 0))
    #expect(kept?.isFinished == true)
  }

  @Test func aSuspendedCoroutineKeptOutsideTheBodyIsALeak() throws {
    var kept: [Coroutine<Void, Int, Void>] = []
    let found = try leak {
      for number in 1...2 {
        let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in _ = try yielder.yield(number) }
        _ = try coroutine.resume()
        kept.append(coroutine)
      }
    }
    #expect(found == .leak(fibers: [], stacks: 2, timers: 0))
    #expect(try #require(found).description.contains("2 stacks of coroutines"))
    #expect(kept.count == 2)
  }

  @Test func aGeneratorsIteratorKeptOutsideTheBodyIsALeak() throws {
    var kept: Generator<Int>.Iterator?
    let found = try leak {
      var iterator = Generator<Int> { yielder in for number in 1... { try yielder.yield(number) } }.makeIterator()
      _ = iterator.next()
      kept = iterator
    }
    #expect(found == .leak(fibers: [], stacks: 1, timers: 0))
    #expect(kept?.next() == 2)
  }

  @Test func aTimerThatIsStillSetIsALeak() throws {
    var scopes: [ScopeRef] = []
    let found = try leak {
      // Like a timeout that is never left.
      let scope = ScopeRef.make()
      scope.setDeadline(after: 1_000_000_000)
      scopes.append(scope)
    }
    for scope in scopes { scope.free() }
    #expect(found == .leak(fibers: [], stacks: 0, timers: 1))
    #expect(try #require(found).description.contains("1 timer, still set"))
  }

  @Test func aHandleThatIsDroppedBeforeTheBodyEndsIsNoLeak() throws {
    var kept: Fiber<Int>?
    var iterator: Generator<Int>.Iterator?
    let report = try exploreSchedules {
      let channel = Channel<Int>(.bounded(1))
      try withNursery { nursery in
        kept = nursery.goAsync("kept for a while") { try channel.receive() }
        nursery.goAsync { try channel.send(1) }
        nursery.goAsync { try withTimeout(.seconds(1)) { try choose(channel.receiveOp(), .always(0)) } }.cancel()
        iterator = Generator<Int> { yielder in for number in 1... { try yielder.yield(number) } }.makeIterator()
        _ = iterator?.next()
        let coroutine = try Coroutine<Void, Int, Void> { yielder, _ in _ = try yielder.yield(1) }
        _ = try coroutine.resume()
        nursery.cancel()
      }
      kept = nil
      iterator = nil
    }
    #expect(report.isExhausted)
    #expect(kept == nil && iterator == nil)
  }

  @Test func stacksThatWereHeldBeforeTheRunAreNoLeak() throws {
    var before: Coroutine<Void, Int, Void>? = try Coroutine { yielder, _ in _ = try yielder.yield(1) }
    _ = try before?.resume()
    let other = try Coroutine<Void, Int, Void> { yielder, _ in _ = try yielder.yield(1) }
    try runFibers { _ = goAsync {} }
    try exploreSchedules { before = nil }
    // The release of an earlier stack does not offset a new one.
    var kept: Coroutine<Void, Int, Void>?
    before = try Coroutine { yielder, _ in _ = try yielder.yield(1) }
    let found = try leak {
      before = nil
      kept = try Coroutine { yielder, _ in _ = try yielder.yield(1) }
    }
    #expect(found == .leak(fibers: [], stacks: 1, timers: 0))
    withExtendedLifetime((other, kept)) {}
  }

  @Test func theBodysOwnErrorComesBeforeALeak() throws {
    var kept: Fiber<Void>?
    let failure = try #require(throws: ExplorationFailure.self) {
      try exploreSchedules {
        try withNursery { nursery in kept = nursery.goAsync {} }
        throw Oops()
      }
    }
    #expect(failure.error is Oops)
    #expect(kept != nil)
  }
}
