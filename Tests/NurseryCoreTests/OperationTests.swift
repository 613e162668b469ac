import NurseryCore
import Testing

/// The constants, the combinators and polling.
struct OperationTests {
  @Test func theConstantsDoWhatTheySay() throws {
    try virtually {
      try #expect(Op.always(3).perform() == 3)
      try #expect(Op.always(3).poll() == 3)
      expectThrows(Oops(1)) { try Op<Int>.failing(Oops(1)).perform() }
      expectThrows(Oops(1)) { try Op<Int>.failing(Oops(1)).poll() }
      try #expect(Op<Int>.never.poll() == nil)
    }
  }

  @Test(arguments: parallelisms) func neverIsTheNeutralElementOfChoice(workers: Int) throws {
    try virtually(workers) {
      try #expect(Op.never.or(.always(1)).perform() == 1)
      try #expect(Op.always(1).or(.never).perform() == 1)
      try #expect(Op<Int>.choice([]).or(.always(1)).perform() == 1)
      try #expect(Op<Int>.choice([]).poll() == nil)
      let channel = Channel<Int>()
      spawn { try channel.send(2) }
      try #expect(choose(Op<Int>.never, channel.receiveOp(), .never) == 2)
    }
  }

  @Test func makingAnOperationDoesNothing() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let send = channel.sendOp(1).wrap { 0 }
      let receive = channel.receiveOp()
      _ = send.or(receive)
      #expect(channel.count == 0)
      try #expect(send.perform() == 0)
      #expect(channel.count == 1)
    }
  }

  @Test(arguments: parallelisms) func aWrapRunsOnceAfterTheCommitOnThePerformer(workers: Int) throws {
    let calls = Counter()
    try virtually(workers) {
      let channel = Channel<Int>()
      let me = Performer.current()
      let receive = channel.receiveOp().wrap { number in
        calls.add()
        #expect(Performer.current() == me)
        return "\(number)"
      }
      spawn { try channel.send(7) }
      try #expect(receive.or(.never).perform() == "7")
      try #expect(receive.poll() == nil)
    }
    #expect(calls.value == 1)
  }

  @Test func aWrapThatThrowsDoesNotUndoTheCommit() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(2))
      try channel.send(1)
      expectThrows(Oops(1)) { try channel.receiveOp().wrap { _ in throw Oops(1) }.perform() }
      #expect(channel.count == 0)
      expectThrows(Oops(2)) { try channel.sendOp(2).wrap { throw Oops(2) }.perform() }
      #expect(channel.count == 1)
    }
  }

  @Test func wrapsComposeFromTheInsideOut() throws {
    try virtually {
      let operation = Op.always(2).wrap { $0 + 1 }.wrap { $0 * 10 }.wrap { "\($0)" }
      try #expect(operation.perform() == "30")
    }
  }

  @Test func recoverSeesWhatTheBranchThrowsAndNothingElse() throws {
    try virtually {
      try expectEqual(Op<Int>.failing(Oops()).recover { _ in 1 }.perform(), 1)
      try expectEqual(Op.always(2).recover { _ in 1 }.perform(), 2)
      try expectEqual(Op.always(2).wrap { _ -> Int in throw Oops() }.recover { _ in 3 }.perform(), 3)
      expectThrows(Oops(9)) { try Op<Int>.failing(Oops()).recover { _ in throw Oops(9) }.perform() }
      expectThrows(Oops(5)) {
        try Op<Int>.guarded { throw Oops(5) }.recover { _ in 1 }.perform()
      }
    }
  }

  @Test func recoverAroundAChoiceHandlesTheBranchThatCommitted() throws {
    try virtually {
      let channel = Channel<Int>()
      channel.close()
      let operation = channel.receiveOp().or(.never).recover { $0 is ChannelClosedError ? -1 : -2 }
      try #expect(operation.perform() == -1)
    }
  }

  @Test func aPollWithNothingReadyCommitsNothing() throws {
    try virtually {
      let channel = Channel<Int>()
      let full = Channel<Int>(.bounded(1))
      try full.send(0)
      let timeout = timeoutOp(after: .seconds(1)).wrap { 2 }
      let operation = Op.choice([channel.receiveOp(), full.sendOp(1).wrap { 1 }, timeout])
      try #expect(operation.poll() == nil)
      #expect(full.count == 1)
      try #expect(channel.trySend(1) == false)
    }
  }

  @Test func aPollTakesWhatIsReady() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(2))
      try expectEqual(channel.sendOp(1).wrap { true }.poll(), true)
      try #expect(channel.receiveOp().poll() == 1)
      let sender = spawn { try channel.send(3) }
      letOthersRun()
      try #expect(Op.choice([.never, channel.receiveOp()]).poll() == 3)
      try sender.wait()
    }
  }

  @Test func anOperationMayBePerformedAnyNumberOfTimes() throws {
    try virtually {
      let channel = Channel<Int>(.bounded(1))
      let echo = channel.sendOp(5).wrap { 0 }.or(channel.receiveOp())
      var received = 0
      for _ in 0..<100 { received += try echo.perform() }
      #expect(received == 250)
    }
  }

  @Test(arguments: parallelisms) func oneOperationMayBePerformedByManyFibersAtOnce(workers: Int) throws {
    let sum = try virtually(workers) {
      let channel = Channel<Int>()
      let receive = channel.receiveOp().wrap { $0 + 1 }
      let fibers = (0..<50).map { _ in spawn { try receive.perform() } }
      for number in 0..<50 { try channel.send(number) }
      return try fibers.reduce(0) { try $0 + $1.wait() }
    }
    #expect(sum == 1275)
  }

  @Test(arguments: parallelisms) func theEndOfAFiberIsAnOperation(workers: Int) throws {
    try virtually(workers) {
      let slow = spawn { () -> String in
        try sleep(for: .seconds(2))
        return "slow"
      }
      let quick = spawn { () -> String in
        try sleep(for: .seconds(1))
        return "quick"
      }
      try #expect(slow.waitOp().or(quick.waitOp()).perform() == "quick")
      try #expect(slow.waitOp().or(.never).perform() == "slow")
      try #expect(slow.waitOp().poll() == "slow")
      let failing = spawn { () -> String in throw CancellationError() }
      try expectEqual(failing.waitOp().recover { "\(type(of: $0))" }.perform(), "CancellationError")
    }
  }
}
