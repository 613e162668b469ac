import Nursery
import Testing

/// The verbs in asynchronous code: the same spelling, with `await`.
struct TaskVerbTests {
  @Test func aTaskSendsAndReceivesManyAndReserves() async throws {
    let channel = Channel<Int>(.bounded(3))
    #expect(try await channel.sendMany([1, 2, 3, 4]) == 3)
    #expect(try await channel.receiveMany(upTo: 2) == [1, 2])
    let place = try await channel.reserve()
    place.send(5)
    let waiting = Task { try await channel.reserve() }
    #expect(try await channel.receiveMany(upTo: 8).suffix(2) == [3, 5])
    try await waiting.value.release()
    let reserving = Channel<Int>(.bounded(1))
    try await reserving.send(1)
    let refused = Task { try await reserving.reserve() }
    await letTasksRun()
    reserving.close()
    await #expect(throws: ChannelClosedError.self) { try await refused.value }
  }

  @Test func aTaskSendsToAChannelThatDropsElements() async throws {
    let dropped = Log<Int>()
    let channel = Channel<Int>(.newest(1)) { dropped.append($0) }
    try await channel.send(1)
    try await channel.send(2)
    try await channel.sendOp(3).perform()
    #expect(dropped.entries == [1, 2])
    #expect(try await channel.receive() == 3)
  }

  @Test func aTaskWaitsForTheSynchronisationTypes() async throws {
    let event = Event()
    let group = WaitGroup(1)
    let promise = Promise<Int>()
    let semaphore = FiberSemaphore(1)
    let place = MVar<Int>()
    let permit = try await semaphore.acquire()
    let waiting = [
      Task { try await event.wait() },
      Task { try await group.wait() },
      Task { expectEqual(try await promise.wait(), 7) },
      Task { try await semaphore.acquire().release() },
      Task { expectEqual(try await place.take(), 7) },
    ]
    await letTasksRun()
    event.set()
    group.done()
    promise.fulfill(7)
    permit.release()
    try await place.put(7)
    for task in waiting { try await task.value }
    #expect(place.isEmpty)
  }

  @Test func aTaskWaitsForTheChangesOfAWatch() async throws {
    let watch = Watch(0)
    let change = Task {
      let reader = watch.reader()
      while reader.value < 3 { _ = try await reader.changes() }
    }
    for value in 1...3 {
      await letTasksRun()
      watch.set(value)
    }
    try await change.value
  }

  @Test func tasksMeetAtABarrier() async throws {
    let barrier = Barrier(3)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 { group.addTask { for _ in 0..<20 { try await barrier.wait() } } }
      try await group.waitForAll()
    }
  }

  @Test func aCancelledTaskBreaksABarrier() async throws {
    for isVerb in [true, false] {
      let barrier = Barrier(3)
      let parties = (0..<2).map { _ in
        Task { if isVerb { try await barrier.wait() } else { try await barrier.waitOp().perform() } }
      }
      await letTasksRun()
      parties[0].cancel()
      await #expect(throws: CancellationError.self) { try await parties[0].value }
      await #expect(throws: BrokenBarrierError.self) { try await barrier.wait() }
      await #expect(throws: (any Error).self) { try await parties[1].value }
    }
  }

  @Test func tasksAskAndServe() async throws {
    let requests = Requests<Int, Int>()
    let server = Task { while let request = try await requests.next() { request.reply(request.query + 1) } }
    for query in 0..<20 { #expect(try await requests.ask(query) == query + 1) }
    requests.close()
    try await server.value
  }

  @Test func aTaskSubscribesToAMulticast() async throws {
    let multicast = Multicast<Int>()
    let subscription = multicast.subscribe(.holdingBack(1))
    let sender = Task {
      for element in 0..<20 { try await multicast.send(element) }
      multicast.close()
    }
    var received: [Int] = []
    while let element = try await subscription.next() { received.append(element) }
    #expect(received == Array(0..<20))
    try await sender.value
  }

  @Test func aTaskReadsAndWritesStreams() async throws {
    let (reader, writer) = try PipeStream.pair()
    let text = String(repeating: "0123456789\n", count: 20_000)
    let writing = Task {
      try await writer.writeAll(text)
      let buffered = BufferedWriter(writer)
      try await buffered.write("end")
      try await buffered.writeInteger(UInt16(7))
      try await buffered.flush()
      writer.close()
    }
    let lines = BufferedReader(reader)
    for _ in 0..<20_000 { #expect(try await lines.readLine() == "0123456789") }
    #expect(try await lines.readExactly(3) == Array("end".utf8))
    #expect(try await lines.readInteger(UInt16.self) == 7)
    #expect(try await lines.read(upTo: 10) == [])
    try await writing.value
    reader.close()
    await #expect(throws: StreamClosedError.self) { try await reader.read(upTo: 1) }
  }

  @Test func tasksTalkOverSockets() async throws {
    let listener = try TCPListener(.loopback, port: 0)
    let serving = Task {
      let stream = try await listener.accept()
      while case let bytes = try await stream.read(upTo: 1024), !bytes.isEmpty { try await stream.writeAll(bytes) }
      stream.close()
    }
    let stream = try await TCPStream.connect(to: listener.address)
    try await stream.writeAll("hello\n")
    #expect(try await BufferedReader(stream).readLine() == "hello")
    stream.close()
    try await serving.value
    let waiting = Task { try await listener.accept() }
    await letTasksRun()
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    listener.close()
  }

  @Test func aTaskRunsABlockingCall() async throws {
    #expect(try await blocking { 7 } == 7)
    await #expect(throws: Oops(1)) { try await blocking { throw Oops(1) } }
  }

  @Test func aCancelledTaskWaitsForABlockingCallThatHasBegun() async throws {
    let hasBegun = Condition()
    let isInterrupted = Condition()
    let task = Task {
      try await blocking(onCancel: { isInterrupted.signal() }) {
        hasBegun.signal()
        try isInterrupted.wait()
        return 7
      }
    }
    try await hasBegun.wait()
    task.cancel()
    #expect(try await task.value == 7)
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await blocking { Issue.record("it has run") }
    }
    await #expect(throws: CancellationError.self) { try await late.value }
  }

  @Test func aTaskWaitsForAFiber() async throws {
    let fibers = Channel<Fiber<Int>>(.bounded(2))
    let gate = Condition()
    let task = Task(executorPreference: ThreadExecutor.shared) {
      let fiber = try await fibers.receive()
      gate.signal()
      expectEqual(try await fiber.wait(), 7)
      expectEqual(try await fiber.result().get(), 7)
      try await fibers.receive().cancelAndWait()
    }
    try synchronously {
      try runFibers {
        try withNursery { nursery in
          try fibers.send(
            nursery.goAsync {
              try gate.wait()
              return 7
            })
          try fibers.send(nursery.goAsync { try Op<Int>.never.perform() })
        }
      }
    }
    try await task.value
  }

  @Test func aTaskTakesTheResourcesOfTheResilienceTypes() async throws {
    let limiter = RateLimiter(1000, per: .seconds(1))
    try await limiter.acquire(2)
    let ticker = Ticker(every: .milliseconds(1))
    #expect(try await ticker.wait().due <= FiberClock.now)
  }
}
