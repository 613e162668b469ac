import Nursery
import Testing

/// Every query of a handle is answered after the end of its object.
struct EndedHandleTests {
  /// Handles of everything that a run can hold, kept until all of it has ended.
  private struct Kept {
    var scheduler: Scheduler
    var nursery: Nursery
    var inner: Nursery
    var scope: CancelScope
    var fiber: Fiber<String>
    var failed: Fiber<Int>
    var unstarted: Fiber<Int>
    var identity: FiberIdentity
    var wakeup: OutsideWakeup
  }

  private func run(_ workers: Int) throws -> Kept {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery("outer", onFailure: .supervise) { nursery in
        let scope = Box(Guarded<CancelScope?>(nil))
        try withCancelScope { inner in scope.value.withLock { $0 = inner } }
        let inner = try withNursery("inner") { inner in
          inner.goAsync(daemon: true) { try Op<Void>.never.perform() }
          return Box(inner)
        }.value
        let fiber = nursery.goAsync("fiber") { String(repeating: "result ", count: 9) }
        let failed = try withNursery { other in
          let failed = other.goAsync("failed") { () -> Int in throw CancellationError() }
          _ = try failed.result()
          return failed
        }
        let unstarted = try withNursery { other in
          other.cancel()
          return other.goAsync { 1 }
        }
        let identity = try nursery.goAsync("named") { Fiber.current! }.wait()
        return Kept(
          scheduler: Scheduler.current!, nursery: nursery, inner: inner, scope: scope.value.withLock { $0! },
          fiber: fiber,
          failed: failed, unstarted: unstarted, identity: identity, wakeup: OutsideWakeup())
      }
    }
  }

  private func ask(_ kept: Kept, on place: String) throws {
    let statistics = kept.scheduler.statistics
    expectEqual(statistics.fibersAlive, 0)
    expectEqual(statistics.fibersQueued, 0)
    expectEqual(statistics.offersOutstanding, 0)
    expectEqual(statistics.timers, 0)
    expectEqual(statistics.workers, 0)
    expectEqual(statistics.fibersSpawned > 4, true)
    _ = (statistics.stacks.advice, statistics.stacks.description)
    expectThrows(ConfigurationError.self) { try kept.scheduler.spawnWorker() }
    expectThrows(ConfigurationError.self) { try kept.scheduler.retireWorker() }

    expectEqual(kept.fiber.name, "fiber")
    expectEqual(kept.fiber.isFinished, true)
    expectEqual(kept.fiber.id > 0, true)
    try expectEqual(kept.fiber.wait(), String(repeating: "result ", count: 9))
    try expectEqual(kept.fiber.waitOp().poll()?.isEmpty, false)
    try expectEqual(kept.fiber.result().get().isEmpty, false)
    kept.fiber.cancel()
    try kept.fiber.cancelAndWait()
    for ended in [kept.failed, kept.unstarted] {
      expectThrows(CancellationError.self) { try ended.wait() }
      expectThrows(CancellationError.self) { try ended.result().get() }
      ended.cancel()
    }
    expectEqual(kept.identity.name, "named")
    expectEqual("\(kept.identity)", "fiber \"named\" in outer")

    for (nursery, path) in [(kept.nursery, "outer"), (kept.inner, "outer/inner")] {
      expectEqual(nursery.path, path)
      expectEqual(nursery.childCount, 0)
      expectEqual(nursery.reason == nil, true)
      nursery.cancel("too late")
      nursery.drain(grace: .seconds(1))
      nursery.drain(grace: .zero)
      expectEqual(nursery.reason == nil, true)
      expectEqual(nursery.isCancelled, false)
      expectEqual(nursery.isDraining, false)
      expectEqual(try nursery.cancelledOp().poll() == nil, true)
      expectEqual(try nursery.drainingOp().poll() == nil, true)
      expectThrows(TimeoutError.self) { try nursery.drainingOp().orTimeout(after: .microseconds(1)).perform() }
    }
    kept.scope.cancel("too late")
    kept.scope.deadline = FiberClock.now + .seconds(1)
    kept.scope.deadline = FiberClock.now - .seconds(1)
    kept.scope.deadline = nil
    expectEqual(kept.scope.deadline == nil, true)
    expectEqual(kept.scope.reason == nil, true)
    expectEqual(kept.scope.isCancelled, false)
    expectEqual(try kept.scope.cancelledOp().poll() == nil, true)
    kept.wakeup.end()
  }

  @Test(arguments: [1, 2, 4]) func everyQueryOfAHandleIsAnsweredAfterItsEnd(workers: Int) throws {
    let kept = try Box(run(workers))
    try ask(kept.value, on: "the thread that ran it")
    try PlainThread { try ask(kept.value, on: "a plain thread") }.join()
    try runFibers(Configuration(parallelism: workers)) { try ask(kept.value, on: "another scheduler") }
  }

  @Test func aSchedulerIsAskedWhileItEnds() throws {
    let scheduler = Guarded<Scheduler?>(nil)
    let isOver = Counter()
    let monitors = (0..<2).map { _ in
      PlainThread {
        var asked = 0
        while isOver.value == 0 {
          if let statistics = scheduler.withLock({ $0 })?.statistics { asked += statistics.fibersSpawned }
        }
      }
    }
    for _ in 0..<300 {
      try runFibers(Configuration(parallelism: 2)) {
        scheduler.withLock { $0 = Scheduler.current }
        try withNursery { nursery in for _ in 0..<4 { nursery.goAsync { Fiber.yield() } } }
      }
    }
    isOver.add()
    for monitor in monitors { try monitor.join() }
    #expect(scheduler.withLock { $0!.statistics.fibersAlive } == 0)
  }

  @Test func aStreamThatHasBeenClosedAnswers() throws {
    var streams: [any ReadableStream & WritableStream] = []
    var others: [() throws -> Void] = []
    try withDirectory { directory in
      try runFibers(Configuration(parallelism: 1)) {
        let listener = try TCPListener(port: 0)
        let client = try TCPStream.connect(to: listener.address)
        let unixListener = try UnixListener(path: directory + "/socket")
        let unix = try UnixStream.connect(to: unixListener.address)
        let pipe = try PipeStream.pair()
        let udp = try UDPSocket(.loopback)
        let signals = try SignalListener([.user2])
        streams = try [client, listener.accept(), unix, unixListener.accept(), pipe.reader, pipe.writer]
        streams.append(try FileStream(directory + "/file", .readWrite, [.create]))
        others = [
          { try closed(listener.isClosed, listener.fileDescriptor) { try listener.accept() } },
          { try closed(listener.isClosed, listener.fileDescriptor) { try listener.acceptOp().poll() } },
          { expectEqual(Array(listener).isEmpty, true) },
          { _ = (listener.address, listener.port, listener.description) },
          { try closed(unixListener.isClosed, unixListener.fileDescriptor) { try unixListener.accept() } },
          { expectEqual(Array(unixListener).isEmpty, true) },
          { _ = (unixListener.address, unixListener.description) },
          { try closed(udp.isClosed, udp.fileDescriptor) { try udp.receive() } },
          { try closed(udp.isClosed, udp.fileDescriptor) { try udp.send([1], to: udp.address) } },
          { try closed(udp.isClosed, udp.fileDescriptor) { try udp.connect(to: udp.address) } },
          { expectThrows(StreamClosedError.self) { try signals.wait() } },
          { expectThrows(StreamClosedError.self) { try signals.waitOp().poll() } },
          { expectEqual(Array(signals).isEmpty, true) },
          { _ = signals.description },
          {
            listener.close()
            unixListener.close()
            udp.close()
            signals.close()
          },
        ]
        // The nursery closes the rest.
        for stream in streams.prefix(3) { stream.close() }
      }
      for question in others { try question() }
      for stream in streams { try ask(stream) }
      try runFibers {
        for stream in streams { try ask(stream) }
        for question in others { try question() }
      }
    }
  }

  private func closed<Result>(_ isClosed: Bool, _ descriptor: Int32, _ call: () throws -> Result) throws {
    expectEqual(isClosed, true)
    expectEqual(descriptor, -1)
    expectThrows(StreamClosedError.self, call)
  }

  private func ask(_ stream: any ReadableStream & WritableStream) throws {
    let questions: [() throws -> Void] = [
      { _ = try stream.read(upTo: 1) },
      { _ = try stream.readOp(upTo: 1).perform() },
      { _ = try stream.readOp(upTo: 1).or(.never).poll() },
      { _ = try stream.write([1]) },
      { _ = try stream.writeOp([1]).perform() },
      { _ = try stream.writeOp([1]).orTimeout(after: .seconds(1)).perform() },
      { try stream.writeAll("text") },
      { try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) { _ = try stream.tryRead(into: $0) } },
      { try [1, 2].withUnsafeBytes { _ = try stream.tryWrite($0) } },
    ]
    for (number, question) in questions.enumerated() {
      do {
        try question()
        Issue.record("\(stream), question \(number): no error")
      } catch is StreamClosedError {
      } catch {
        Issue.record("\(stream), question \(number): \(error)")
      }
    }
    switch stream {
    case let stream as SocketStream:
      expectEqual(stream.isClosed, true)
      expectEqual(stream.fileDescriptor, -1)
      expectEqual(stream.localAddress, .unnamed)
      expectThrows(StreamClosedError.self) { try stream.closeWriting() }
      if let stream = stream as? TCPStream {
        expectThrows(StreamClosedError.self) { try stream.setNoDelay(true) }
        stream.reset()
      }
      if let stream = stream as? UnixStream {
        expectThrows(StreamClosedError.self) { try stream.send(descriptor: 0, with: [1]) }
        expectThrows(StreamClosedError.self) { try stream.receiveDescriptor(upTo: 1) }
      }
      _ = (stream.remoteAddress, stream.description)
    case let stream as PipeStream:
      expectEqual(stream.isClosed, true)
      expectEqual(stream.fileDescriptor, -1)
      _ = stream.description
    case let stream as FileStream:
      expectEqual(stream.isClosed, true)
      expectEqual(stream.fileDescriptor, -1)
      expectThrows(StreamClosedError.self) { try stream.size() }
      expectThrows(StreamClosedError.self) { try stream.sync() }
      expectThrows(StreamClosedError.self) { try stream.truncate(to: 1) }
      expectThrows(StreamClosedError.self) { try stream.read(upTo: 1, at: 0) }
      expectThrows(StreamClosedError.self) { try stream.write([1], at: 0) }
      _ = (stream.position, stream.path, stream.description)
    default: Issue.record("\(stream) is not asked enough")
    }
    stream.close()
  }

  @Test func aProcessThatHasEndedAnswers() throws {
    var children: [ChildProcess] = []
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { _ in
        children.append(try Command("true").start())
        children.append(try Command("sleep", "1000").start())
        try expectEqual(children[0].wait().isSuccess, true)
        children[1].terminate()
      }
    }
    func askAll() throws {
      for child in children {
        expectEqual(child.status == nil, false)
        try expectEqual(child.wait(), child.status)
        try expectEqual(child.waitOp().poll(), child.status)
        child.kill(.terminate)
        child.kill(.kill, wholeTree: true)
        child.terminate()
        _ = (child.processID, child.description)
        expectEqual(child.input == nil, true)
      }
    }
    try askAll()
    try runFibers { try askAll() }
  }
}
