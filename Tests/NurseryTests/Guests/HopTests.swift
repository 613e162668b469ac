import Nursery
import Testing

struct HopTests {
  @Test func theBodyRunsOnTheLoopsThread() throws {
    let loop = EventLoop()
    let thread = PlainThread { () -> UInt in
      loop.run()
      return threadNumber()
    }
    let there = try runFibers { try hop(postingBy: loop.post) { threadNumber() } }
    loop.close()
    #expect(try thread.join() == there)
  }

  @Test func anErrorOfTheBodyOrOfTheLoopIsThrown() throws {
    let loop = EventLoop()
    let thread = PlainThread { loop.run() }
    try runFibers {
      expectThrows(Oops(1)) { try hop(postingBy: loop.post) { throw Oops(1) } }
      loop.close()
      expectThrows(ChannelClosedError.self) { try hop(postingBy: loop.post) {} }
    }
    try thread.join()
  }

  @Test func aBodyThatWasNotCalledWhenItsBranchLostIsNotCalled() throws {
    let loop = EventLoop()
    let calls = Counter()
    try runFibers {
      let op = hopOp(postingBy: loop.post) { calls.add() }.wrap { _ in }
      expectThrows(TimeoutError.self) { try op.orTimeout(after: .milliseconds(1)).perform() }
      expectThrows(TimeoutError.self) { try withTimeout(.milliseconds(1)) { try op.perform() } }
    }
    #expect(loop.turns.value == 2)
    loop.close()
    loop.run()
    #expect(calls.value == 0)
  }

  @Test func aBodyThatHasBegunEndsBeforeACancelledPerformReturns() throws {
    let loop = EventLoop()
    let thread = PlainThread { loop.run() }
    let hasBegun = Condition()
    let isCancelled = Counter()
    let ended = Counter()
    try runFibers {
      try withCancelScope { scope in
        goAsync {
          try hasBegun.wait()
          scope.cancel()
          isCancelled.add()
        }
        expectThrows(CancellationError.self) {
          try hop(postingBy: loop.post) {
            hasBegun.signal()
            expectSoon { isCancelled.value == 1 }
            ended.add()
          }
        }
        #expect(ended.value == 1)
      }
    }
    loop.close()
    try thread.join()
  }
}
