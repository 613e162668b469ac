import NurseryCore
import Testing

/// Swift tasks perform every operation, without a fiber, a thread or a scheduler of their own.
struct TaskTests {
  @Test func tasksTalkToEachOther() async throws {
    let channel = Channel<Int>()
    let back = Channel<Int>(.bounded(3))
    let echo = Task {
      while let number = try? await channel.receive() { try await back.send(number + 1) }
      back.close()
    }
    let sender = Task {
      for number in 0..<1000 { try await channel.send(number) }
      channel.close()
    }
    var replies: [Int] = []
    while let reply = try? await back.receive() { replies.append(reply) }
    #expect(replies == Array(1...1000))
    try await echo.value
    try await sender.value
  }

  @Test func aTaskAFiberAndAThreadMeetInOneChannel() async throws {
    let channel = Channel<Int>()
    let sums = Channel<Int>(.bounded(3))
    let receiver = Task(executorPreference: ThreadExecutor.shared) {
      var sum = 0
      while let number = try? await channel.receive() { sum += number }
      try await sums.send(sum)
    }
    let senderHasEnded = Condition()
    let sender = Task(executorPreference: ThreadExecutor.shared) {
      for number in 0..<1000 { try await channel.send(number) }
      senderHasEnded.signal()
    }
    let receivingThread = PlainThread { try sums.send(channel.reduce(0, +)) }
    let sendingThread = PlainThread { for number in 1000..<2000 { try channel.send(number) } }
    try synchronously {
      try Scheduler.run(Configuration(parallelism: 2)) {
        let reader = spawn { channel.reduce(0, +) }
        let fiber = spawn { for number in 2000..<3000 { try channel.send(number) } }
        try fiber.wait()
        try sendingThread.join()
        try senderHasEnded.wait()
        channel.close()
        try sums.send(try reader.wait())
      }
    }
    try await sender.value
    try await receiver.value
    try receivingThread.join()
    var sum = 0
    for _ in 0..<3 { sum += try await sums.receive() }
    #expect(sum == (0..<3000).reduce(0, +))
  }

  @Test func manyTasksWaitAtOneChannel() async throws {
    let channel = Channel<Int>()
    let sum = Task {
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<2000 { group.addTask { try await channel.receive() } }
        return try await group.reduce(0, +)
      }
    }
    for number in 0..<2000 { try await channel.send(number) }
    #expect(try await sum.value == (0..<2000).reduce(0, +))
  }

  @Test func valuesOfAnySizePass() async throws {
    try await pass((1, 2, 3, 4, 5, 6, 7, 8, 9))
    try await pass(SIMD8<Double>(repeating: 0.5))
    try await pass("a text that does not fit into a string's own words")
    try await pass(Census().make(7))
  }

  private func pass<Value: Sendable>(_ value: Value) async throws {
    let channel = Channel<Value>()
    let quiet = Channel<Value>()
    for isChoice in [false, true] {
      let receiver = Task {
        isChoice
          ? try await choose(quiet.receiveOp(), channel.receiveOp()) : try await channel.receive()
      }
      try await channel.send(value)
      #expect(String(describing: try await receiver.value) == String(describing: value))
      let late = Task { try await channel.sendOp(value).perform() }
      #expect(String(describing: try await channel.receive()) == String(describing: value))
      try await late.value
    }
  }

  @Test func aCloseWakesTasks() async throws {
    let channel = Channel<Int>()
    let receiver = Task { try await channel.receive() }
    let sender = Task {
      await letTasksRun()
      try await channel.send(1)
      try await channel.send(2)
    }
    #expect(try await receiver.value == 1)
    await letTasksRun()
    channel.close()
    await #expect(throws: ChannelClosedError.self) { try await sender.value }
    await #expect(throws: ChannelClosedError.self) { try await channel.receive() }
    await #expect(throws: ChannelClosedError.self) {
      try await channel.receiveOp().orTimeout(after: .seconds(3600)).perform()
    }
    #expect(try await channel.next() == nil)
  }

  @Test func aConditionWakesTasks() async throws {
    let condition = Condition()
    let tasks = (0..<10).map { _ in Task { try await condition.wait() } }
    await letTasksRun()
    condition.signal()
    for task in tasks { try await task.value }
    try await condition.wait()
  }

  @Test func aTaskWaitsForTime() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    try await sleep(for: .milliseconds(3))
    #expect(clock.now - start >= .milliseconds(3))
    try await sleep(until: FiberClock.now.advanced(by: .milliseconds(2)))
    #expect(clock.now - start >= .milliseconds(5))
    try await sleep(for: .zero)
  }

  @Test func aChoiceWithATimerAndATimeout() async throws {
    let channel = Channel<Int>()
    #expect(try await choose(channel.receiveOp(), timeoutOp(after: .milliseconds(1)).wrap { -1 }) == -1)
    await #expect(throws: TimeoutError.self) {
      try await channel.receiveOp().orTimeout(after: .milliseconds(1)).perform()
    }
    await #expect(throws: TimeoutError.self) { try await channel.sendOp(1).orTimeout(after: .zero).perform() }
    let sender = Task { try await channel.send(5) }
    #expect(try await choose(channel.receiveOp(), timeoutOp(after: .seconds(3600)).wrap { -1 }) == 5)
    try await sender.value
    #expect(channel.tryReceive() == nil)
  }

  @Test func guardsNacksAndWrapsRunOnceInAPerformOfATask() async throws {
    let channel = Channel<Int>()
    let log = Log<String>()
    let nacks = Log<Nack>()
    let loser = Op.withNack { nack in
      nacks.append(nack)
      log.append("guard")
      return channel.receiveOp().onAbandon { log.append("abandoned") }.wrap { $0 + 1 }
    }
    let value = try await choose(loser, timeoutOp(after: .milliseconds(1)).wrap { 7 })
    #expect(value == 7)
    #expect(log.entries == ["guard", "abandoned"])
    #expect(nacks.entries.map(\.isFired) == [true])
    let sender = Task { try await channel.send(1) }
    #expect(try await loser.perform() == 2)
    #expect(log.entries == ["guard", "abandoned", "guard"])
    #expect(nacks.entries.map(\.isFired) == [true, false])
    try await sender.value
    await #expect(throws: Oops(1)) { try await Op<Int>.always(1).wrap { throw Oops($0) }.perform() }
    #expect(try await Op<Int>.failing(Oops(2)).recover { _ in 3 }.perform() == 3)
    await #expect(throws: Oops(4)) { try await Op<Int>.choice([loser, .guarded { throw Oops(4) }]).perform() }
    #expect(log.entries.suffix(2) == ["guard", "abandoned"])
    #expect(nacks.entries.map(\.isFired) == [true, false, true])
  }

  @MainActor @Test func guardsAndWrapsRunInTheCallersIsolation() async throws {
    let channel = Channel<Int>()
    let quiet = Channel<Int>()
    var calls = 0
    let op = Op.guarded {
      MainActor.preconditionIsolated()
      calls += 1
      return channel.receiveOp().wrap {
        MainActor.preconditionIsolated()
        calls += 1
        return $0
      }
    }
    let sender = Task.detached { for number in 0..<3 { try await channel.send(number) } }
    #expect(try await op.perform() == 0)
    MainActor.preconditionIsolated()
    #expect(try await choose(op, quiet.receiveOp()) == 1)
    #expect(try await channel.receive() == 2)
    MainActor.preconditionIsolated()
    #expect(calls == 4)
    try await sender.value
  }

  @Test func aBlockingCallInAWrapOfATaskIsAPlainThreads() async throws {
    let inner = Channel<Int>(.bounded(1))
    let value = try await Op.always(1).wrap { value in
      try inner.send(value)
      return try inner.receive() + 1
    }.perform()
    #expect(value == 2)
  }

  @Test func aUsersPrimitiveWakesATask() async throws {
    let turnstile = Turnstile()
    let waiting = Task { try await Op(base: turnstile).perform() }
    let choosing = Task { try await choose(Op(base: turnstile), .never) }
    while turnstile.waiting < 2 { await Task.yield() }
    turnstile.open(7)
    turnstile.open(7)
    #expect(try await waiting.value == 7)
    #expect(try await choosing.value == 7)
    #expect(turnstile.waiting == 0)
  }

  @Test func manyTimersOfTasksFire() async throws {
    let order = Log<Int>()
    let start = FiberClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in (0..<20).reversed() {
        group.addTask {
          let deadline = start + .milliseconds(2 * number + 20)
          try await sleep(until: deadline)
          #expect(FiberClock.now >= deadline)
          order.append(number)
        }
      }
      try await group.waitForAll()
    }
    #expect(order.entries.sorted() == Array(0..<20))
  }
}

/// A user's primitive: lets one waiter pass for each opening.
private final class Turnstile: BaseOperation, Sendable {
  private let waiters = Guarded<[Waiter<Int>]>([])

  var waiting: Int { waiters.withLock { $0.count } }

  func open(_ value: Int) {
    for waiter in waiters.withLock({ $0 }) where waiter.commit(value) { return withdraw(waiter) }
  }

  func poll() -> Int? { nil }
  func enlist(_ waiter: Waiter<Int>) { waiters.withLock { $0.append(waiter) } }
  func withdraw(_ waiter: Waiter<Int>) { waiters.withLock { $0.removeAll { $0 == waiter } } }
}

/// Lets other tasks run until most of them wait.
func letTasksRun() async { for _ in 0..<20 { await Task.yield() } }
