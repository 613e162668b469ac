import NurseryCore
import Testing

/// Threads that no scheduler runs perform every operation; it blocks them.
struct PlainThreadTests {
  @Test func threadsTalkToEachOther() throws {
    let channel = Channel<Int>()
    let back = Channel<Int>(.bounded(3))
    let echo = PlainThread {
      for number in channel { try back.send(number + 1) }
      back.close()
    }
    let sender = PlainThread {
      for number in 0..<1000 { try channel.send(number) }
      channel.close()
    }
    #expect(Array(back) == Array(1...1000))
    try echo.join()
    try sender.join()
  }

  @Test func aThreadTalksToFibers() throws {
    let requests = Channel<Int>()
    let replies = Channel<String>()
    let client = PlainThread {
      var replied: [String] = []
      for number in 0..<200 {
        try requests.send(number)
        replied.append(try replies.receive())
      }
      requests.close()
      return replied
    }
    try Scheduler.run(Configuration(parallelism: 2)) {
      let servers = (0..<3).map { _ in
        spawn { for request in requests { try replies.send("\(request)") } }
      }
      for server in servers { try server.wait() }
    }
    #expect(try client.join() == (0..<200).map { "\($0)" })
  }

  @Test func aThreadWaitsForTime() throws {
    let clock = ContinuousClock()
    let start = clock.now
    try sleep(for: .milliseconds(3))
    #expect(clock.now - start >= .milliseconds(3))
    try sleep(until: FiberClock.now.advanced(by: .milliseconds(2)))
    #expect(clock.now - start >= .milliseconds(5))
    try sleep(for: .zero)
  }

  @Test func everyKindOfOperationWorksOnAThread() throws {
    let log = Log<String>()
    let thread = PlainThread {
      let channel = Channel<Int>(.bounded(1))
      let condition = Condition()
      log.append("\(try Op.always(1).perform())")
      log.append("\(String(describing: try channel.receiveOp().poll()))")
      try channel.sendOp(2).perform()
      log.append("\(try channel.receiveOp().or(.never).perform())")
      let signalled = condition.waitOp().wrap { "condition" }
      log.append(try choose(signalled, timeoutOp(after: .milliseconds(1)).wrap { "time" }))
      condition.signal()
      log.append(try choose(signalled, timeoutOp(after: .seconds(60)).wrap { "time" }))
      let nacked = Op<Int>.guarded { .never }.onAbandon { log.append("abandoned") }
      log.append("\(try nacked.or(.always(3)).perform())")
      channel.close()
      log.append("\(try channel.receiveOp().recover { _ in -1 }.perform())")
    }
    try thread.join()
    #expect(log.entries == ["1", "nil", "2", "time", "condition", "abandoned", "3", "-1"])
  }

  @Test func aThreadWaitsForAFibersEnd() throws {
    let handles = Channel<Box<FiberCore<Int>>>()
    let thread = PlainThread { try handles.receive().value.wait() }
    try Scheduler.run(Configuration(parallelism: 1)) {
      let fiber = spawn {
        try sleep(for: .milliseconds(2))
        return 11
      }
      try handles.send(Box(fiber))
    }
    #expect(try thread.join() == 11)
  }

  @Test func aThreadMayChooseAgainstAFiber() throws {
    for _ in 0..<100 {
      let left = Channel<Int>()
      let right = Channel<Int>()
      let thread = PlainThread { try choose(left.sendOp(1).wrap { 1 }, right.receiveOp()) }
      let mine = try Scheduler.run(Configuration(parallelism: 2)) {
        try choose(right.sendOp(2).wrap { 2 }, left.receiveOp())
      }
      #expect(try thread.join() == mine)
    }
  }

  @Test func threadsComeAndGo() throws {
    let channel = Channel<Int>()
    for number in 0..<200 {
      let thread = PlainThread { try channel.send(number) }
      #expect(try channel.receive() == number)
      try thread.join()
    }
  }
}
