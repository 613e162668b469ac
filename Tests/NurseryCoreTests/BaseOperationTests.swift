import NurseryCore
import Testing

/// A counting semaphore, as a user would write one.
private final class Permits: BaseOperation, Sendable {
  private struct State {
    var free: Int
    var waiters: [Waiter<Int>] = []
  }

  private let state: Guarded<State>

  init(_ free: Int) { state = Guarded(State(free: free)) }

  func poll() -> Int? {
    state.withLock { state in
      guard state.free > 0 else { return nil }
      state.free -= 1
      return state.free
    }
  }

  func enlist(_ waiter: Waiter<Int>) {
    state.withLock { state in
      if state.free > 0, waiter.commit(state.free - 1) { state.free -= 1 } else { state.waiters.append(waiter) }
    }
  }

  func withdraw(_ waiter: Waiter<Int>) {
    state.withLock { $0.waiters.removeAll { $0 == waiter } }
  }

  func giveBack() {
    state.withLock { state in
      while !state.waiters.isEmpty {
        if state.waiters.removeFirst().commit(state.free) { return }
      }
      state.free += 1
    }
  }

  var free: Int { state.withLock { $0.free } }
  var waiting: Int { state.withLock { $0.waiters.count } }
}

/// Users' primitives are operations like any other.
struct BaseOperationTests {
  @Test(arguments: [1, 2, 3]) func theLimitIsKeptAndEveryPermitComesBack(workers: Int) throws {
    let permits = Permits(3)
    let inside = Counter()
    let tooMany = Counter()
    try virtually(workers) {
      let fibers = (0..<50).map { number in
        spawn {
          for _ in 0..<5 {
            _ = try Op(base: permits).perform()
            if inside.add() > 3 { tooMany.add() }
            try sleep(for: .milliseconds(number % 3))
            inside.add(-1)
            permits.giveBack()
          }
        }
      }
      for fiber in fibers { try fiber.wait() }
    }
    #expect(tooMany.value == 0)
    #expect(permits.free == 3)
    #expect(permits.waiting == 0)
  }

  @Test(arguments: [1, 2, 3]) func aPermitIsNeverLostToATimeoutOrACancellation(workers: Int) throws {
    let permits = Permits(1)
    try virtually(workers) {
      let fibers = (0..<40).map { number in
        spawn {
          for turn in 0..<10 {
            let acquire = Op(base: permits).wrap { _ in true }
            let acquired = try acquire.or(timeoutOp(after: .microseconds((number + turn) % 5)).wrap { false }).perform()
            guard acquired else { continue }
            defer { permits.giveBack() }
            Performer.yield()
            try sleep(for: .microseconds(2))
          }
        }
      }
      try sleep(for: .microseconds(20))
      for fiber in fibers.prefix(20) { fiber.cancel() }
      for fiber in fibers { _ = try? fiber.wait() }
    }
    #expect(permits.free == 1)
    #expect(permits.waiting == 0)
  }

  /// Keeps every waiter.
  private final class Keeper: BaseOperation, Sendable {
    let kept = Guarded<[Waiter<Int>]>([])

    func poll() -> Int? { nil }
    func enlist(_ waiter: Waiter<Int>) { kept.withLock { $0.append(waiter) } }
    func withdraw(_ waiter: Waiter<Int>) {}
  }

  @Test func aWaiterMayOutliveItsFiberItsThreadAndItsScheduler() throws {
    let keeper = Keeper()
    let timed = Op(base: keeper).or(timeoutOp(after: .microseconds(1)).wrap { -1 })
    for _ in 0..<20 {
      try virtually {
        _ = try timed.perform()
        _ = try spawn { try timed.perform() }.wait()
      }
      try PlainThread { _ = try timed.perform() }.join()
    }
    #expect(keeper.kept.withLock { $0.count } == 60)
    #expect(keeper.kept.withLock { $0.allSatisfy { !$0.commit(4) } })
  }

  @Test func aWaiterOfAnEndedPerformCannotBeCommitted() throws {
    let keeper = Keeper()
    try virtually {
      let fiber = spawn { try Op(base: keeper).or(timeoutOp(after: .seconds(1)).wrap { -1 }).perform() }
      try #expect(fiber.wait() == -1)
      let again = spawn { try Op(base: keeper).or(timeoutOp(after: .seconds(1)).wrap { -2 }).perform() }
      letOthersRun()
      expectEqual(keeper.kept.withLock { $0.count }, 2)
      expectEqual(keeper.kept.withLock { $0[0].commit(1) }, false)
      expectEqual(keeper.kept.withLock { $0[1].commit(2) }, true)
      expectEqual(keeper.kept.withLock { $0[1].commit(3) }, false)
      try #expect(again.wait() == 2)
    }
    #expect(keeper.kept.withLock { $0.allSatisfy { !$0.commit(4) } })
  }

  @Test func plainThreadsPerformThemToo() throws {
    let permits = Permits(2)
    let threads = (0..<4).map { _ in
      PlainThread {
        for _ in 0..<100 {
          _ = try Op(base: permits).or(.never).perform()
          permits.giveBack()
        }
      }
    }
    try Scheduler.run(Configuration(parallelism: 2)) {
      let fibers = (0..<4).map { _ in
        spawn {
          for _ in 0..<100 {
            _ = try Op(base: permits).perform()
            Performer.yield()
            permits.giveBack()
          }
        }
      }
      for fiber in fibers { try fiber.wait() }
    }
    for thread in threads { try thread.join() }
    #expect(permits.free == 2)
  }

  @Test func anErrorThrownWhileWaitingWithdrawsTheWaiter() throws {
    let permits = Permits(0)
    try virtually {
      let closed = Channel<Int>()
      let fiber = spawn {
        expectThrows(ChannelClosedError.self) { try choose(Op(base: permits), closed.receiveOp()) }
      }
      letOthersRun()
      #expect(permits.waiting == 1)
      closed.close()
      _ = try fiber.wait()
      #expect(permits.waiting == 0)
    }
  }
}
