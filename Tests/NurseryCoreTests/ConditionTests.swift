import NurseryCore
import Testing

/// One-shot conditions.
struct ConditionTests {
  @Test(arguments: parallelisms) func aSignalReleasesAllWaiters(workers: Int) throws {
    let released = Counter()
    try virtually(workers) {
      let condition = Condition()
      let waiters = (0..<10).map { _ in
        spawn {
          try condition.wait()
          released.add()
        }
      }
      letOthersRun()
      #expect(released.value == 0)
      #expect(!condition.isSignalled)
      condition.signal()
      for waiter in waiters { try waiter.wait() }
    }
    #expect(released.value == 10)
  }

  @Test func laterWaitsReturnAtOnce() throws {
    try virtually {
      let condition = Condition()
      try expectEqual(condition.waitOp().wrap { true }.poll(), nil)
      condition.signal()
      condition.signal()
      #expect(condition.isSignalled)
      try condition.wait()
      try expectEqual(condition.waitOp().wrap { true }.poll(), true)
      try expectEqual(condition.waitOp().wrap { true }.or(.never).perform(), true)
    }
  }

  @Test(arguments: parallelisms) func aConditionIsABranchLikeAnyOther(workers: Int) throws {
    try virtually(workers) {
      for round in 0..<50 {
        let first = Condition()
        let second = Condition()
        spawn { round % 2 == 0 ? first.signal() : second.signal() }
        try expectEqual(choose(first.waitOp().wrap { 0 }, second.waitOp().wrap { 1 }), round % 2)
      }
    }
  }

  @Test func aSignalMayComeFromAPlainThread() throws {
    for _ in 0..<50 {
      let condition = Condition()
      let thread = PlainThread { condition.signal() }
      try Scheduler.run(Configuration(parallelism: 2)) { try condition.wait() }
      try thread.join()
    }
  }
}
