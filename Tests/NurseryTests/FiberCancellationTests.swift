import Nursery
import Testing

/// Cancelling one fiber.
struct FiberCancellationTests {
  @Test(arguments: parallelisms) func cancellingOneFiberLeavesItsSiblings(workers: Int) throws {
    try virtually(workers) {
      let value = try withNursery { nursery in
        let victim = nursery.goAsync { try Op<Int>.never.perform() }
        let sibling = nursery.goAsync { () -> Int in
          try sleep(for: .seconds(2))
          return 2
        }
        try sleep(for: .seconds(1))
        victim.cancel()
        victim.cancel()
        expectThrows(CancellationError.self) { try victim.wait() }
        #expect(!nursery.isCancelled)
        return try sibling.wait()
      }
      #expect(value == 2)
    }
  }

  @Test(arguments: parallelisms) func cancellingAFiberReachesItsNurseries(workers: Int) throws {
    let ended = Counter()
    try virtually(workers) {
      let fiber = goAsync {
        try withNursery { nursery in
          for _ in 0..<3 {
            nursery.goAsync {
              defer { ended.add() }
              try withCancelScope { _ in try Op<Void>.never.perform() }
            }
          }
        }
        try Fiber.checkCancellation()
      }
      try sleep(for: .seconds(1))
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
    #expect(ended.value == 3)
  }

  @Test func cancellingAFinishedFiberDoesNothing() throws {
    try virtually {
      let fiber = goAsync { 1 }
      _ = try fiber.wait()
      fiber.cancel()
      try #expect(fiber.wait() == 1)
    }
  }

  @Test func ifTheCommitIsFirstTheValueIsReturnedAndTheNextCallThrows() throws {
    let log = Log<String>()
    try virtually {
      let channel = Channel<Int>()
      let receiver = goAsync {
        log.append("\(try channel.receive())")
        do { try sleep(for: .zero) } catch { log.append("\(type(of: error))") }
      }
      Fiber.yield()
      try channel.send(1)
      receiver.cancel()
      _ = try receiver.result()
    }
    #expect(log.entries == ["1", "CancellationError"])
  }

  @Test func aCancelledReceiveLeavesTheMessageAndACancelledSendSendsNothing() throws {
    try virtually {
      let channel = Channel<Int>()
      let receiver = goAsync { try channel.receive() }
      Fiber.yield()
      receiver.cancel()
      try #expect(channel.trySend(1) == false)
      let sender = goAsync { try channel.send(2) }
      Fiber.yield()
      sender.cancel()
      #expect(channel.tryReceive() == nil)
    }
  }

  @Test(arguments: parallelisms) func aFiberMayCancelItself(workers: Int) throws {
    try virtually(workers) {
      let handles = Channel<Fiber<Void>>(.bounded(1))
      let fiber = goAsync {
        let me = try handles.receive()
        me.cancel()
        #expect(Fiber.isCancelled)
        try sleep(for: .zero)
      }
      try handles.send(fiber)
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
  }

  @Test func aFiberThatIsCancelledBeforeItStartsThrowsAtItsFirstWait() throws {
    let log = Log<String>()
    try virtually {
      let fiber = goAsync {
        log.append("started")
        try sleep(for: .zero)
        log.append("went on")
      }
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
    }
    #expect(!log.entries.contains("went on"))
  }

  @Test(arguments: parallelisms) func fibersThatWaitForEachOtherCanBeCancelled(workers: Int) throws {
    for _ in 0..<50 {
      try runFibers(Configuration(parallelism: workers)) {
        let handles = Channel<Fiber<Int>>(.bounded(2))
        let pair = (0..<2).map { _ in goAsync { () -> Int in try handles.receive().wait() } }
        try handles.send(pair[1])
        try handles.send(pair[0])
        for fiber in pair { goAsync { fiber.cancel() } }
        for fiber in pair { _ = try fiber.result() }
      }
    }
  }

  @Test func cancellingAFiberReachesASchedulerInsideIt() throws {
    try runFibers(Configuration(parallelism: 2)) {
      let started = Condition()
      let fiber = goAsync {
        try runFibers(Configuration(parallelism: 1)) {
          goAsync { try Op<Void>.never.perform() }
          started.signal()
          try Op<Void>.never.perform()
        }
      }
      // The inner run blocks a worker, which may be the worker of this fiber.
      let canceller = PlainThread {
        try started.wait()
        fiber.cancel()
      }
      expectThrows(CancellationError.self) { try fiber.wait() }
      try canceller.join()
    }
  }

  @Test(arguments: parallelisms) func aChoiceIsCancelledAsAWhole(workers: Int) throws {
    try virtually(workers) {
      let channels = (0..<12).map { _ in Channel<Int>() }
      let fiber = goAsync {
        try Op.choice(channels.map { $0.receiveOp() } + channels.map { $0.sendOp(1).wrap { 0 } }).perform()
      }
      try sleep(for: .seconds(1))
      fiber.cancel()
      expectThrows(CancellationError.self) { try fiber.wait() }
      for channel in channels {
        try #expect(channel.trySend(1) == false)
        #expect(channel.tryReceive() == nil)
      }
    }
  }
}
