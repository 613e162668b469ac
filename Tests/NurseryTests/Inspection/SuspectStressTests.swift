import Nursery
import TestSupport
import Testing

/// Healthy fibers of all kinds talk, and none is ever suspected.
///
/// NURSERY_STRESS in the environment is the number of seconds; by default some dumps are taken.
struct SuspectStressTests {
  private struct Weak: @unchecked Sendable {
    weak var channel: Channel<Int>?
  }

  private final class Service: Sendable {
    let requests = Channel<(Int, Channel<Int>)>(.bounded(4))

    func serve() throws { for (number, reply) in requests { try reply.send(number + 1) } }

    func ask(_ number: Int) throws -> Int {
      let reply = Channel<Int>()
      try requests.send((number, reply))
      return try reply.receive()
    }
  }

  @Test func healthyFibersAreNeverSuspected() throws {
    let end = ContinuousClock.now + .seconds(stressFactor - 1)
    let hasEnded = Condition()
    let alarms = Log<String>()
    let asker = PlainThread {
      defer { hasEnded.signal() }
      var dumps = 0
      while dumps < 30 || ContinuousClock.now < end {
        for suspects in FiberDump.all().suspects where suspects.description.contains("SuspectStressTests.swift") {
          alarms.append(suspects.description)
        }
        if !alarms.entries.isEmpty { break }
        dumps += 1
      }
      return dumps
    }
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery("talkers", placement: .spread) { nursery in
        for _ in 0..<3 { talk(in: nursery) }
        try hasEnded.wait()
        nursery.cancel()
      }
    }
    let dumps = try asker.join()
    #expect(alarms.entries == [])
    if stressFactor > 1 { print("asked \(dumps) times") }
  }

  /// Spawns one of each kind, which go on until they are cancelled.
  private func talk(in nursery: Nursery) {
    func forever(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
      nursery.goAsync(name) { while true { try body() } }
    }
    forever("talkers", pingPong)
    forever("pipeline", pipeline)
    forever("replies", replies)
    forever("choices", choices)
    forever("late references", lateReferences)
    forever("locks", locks)
    forever("subscribers", subscribers)
    forever("timers", timers)
    forever("calls", calls)
    forever("sockets", sockets)
    forever("threads and tasks", threadsAndTasks)
  }

  private func pingPong() throws {
    let there = Channel<Int>()
    let back = Channel<Int>()
    try withNursery { nursery in
      nursery.goAsync { for number in there { try back.send(number) } }
      nursery.goAsync(placement: .spread) {
        for number in 0..<20 {
          try there.send(number)
          _ = try back.receive()
        }
        there.close()
      }
    }
  }

  private func pipeline() throws {
    let numbers = Channel<Int>(.bounded(2))
    let results = Channel<Int>(.bounded(2))
    try withNursery { nursery in
      nursery.goAsync {
        for number in 0..<20 { try numbers.send(number) }
        numbers.close()
      }
      nursery.goAsync {
        try withNursery { pool in _ = pool.workers(3) { for number in numbers { try results.send(number) } } }
        results.close()
      }
      nursery.goAsync { for _ in results {} }
    }
    // The channel is lent to children while it is iterated over.
    let crawled = Channel<Int>(.bounded(64))
    try crawled.send(5)
    _ = try crawled.concurrentMap(limit: 3) { depth in
      try sleep(for: .microseconds(50))
      if depth == 0 { crawled.close() } else { try crawled.send(depth - 1) }
    }
  }

  private func replies() throws {
    let service = Service()
    try withNursery { nursery in
      nursery.goAsync { try service.serve() }
      try withNursery { clients in
        for number in 0..<5 { clients.goAsync { _ = try service.ask(number) } }
      }
      service.requests.close()
    }
  }

  private func choices() throws {
    let left = Channel<Int>()
    let right = Channel<Int>()
    try withNursery { nursery in
      nursery.goAsync { for _ in 0..<20 { _ = try choose(left.receiveOp(), right.receiveOp()) } }
      nursery.goAsync { for number in 0..<10 { try left.send(number) } }
      nursery.goAsync { for number in 0..<10 { try right.send(number) } }
    }
  }

  /// The only reference is passed on, upgraded from a weak one, or part of an operation.
  private func lateReferences() throws {
    try withNursery { nursery in
      let channels = Channel<Channel<Int>>()
      nursery.goAsync {
        let channel = Channel<Int>()
        nursery.goAsync { _ = try channel.receive() }
        Fiber.yield()
        try channels.send(channel)
      }
      nursery.goAsync { try channels.receive().send(1) }
      let weak = Channel<Weak>(.bounded(1))
      func spawn() throws {
        let channel = Channel<Int>()
        try weak.send(Weak(channel: channel))
        nursery.goAsync { _ = try channel.receive() }
      }
      try spawn()
      nursery.goAsync {
        let channel = try weak.receive()
        try sleep(for: .microseconds(100))
        try channel.channel?.send(1)
      }
      let operation = Channel<Int>()
      let send = operation.sendOp(1)
      nursery.goAsync { _ = try operation.receive() }
      for _ in 0..<3 { Fiber.yield() }
      try send.perform()
      let condition = Condition()
      nursery.goAsync { try condition.wait() }
      for _ in 0..<3 { Fiber.yield() }
      condition.signal()
    }
  }

  private func locks() throws {
    let lock = FiberMutex(0)
    let permits = FiberSemaphore(2)
    let table = ReadWriteLock(0)
    try withNursery { nursery in
      for _ in 0..<4 {
        nursery.goAsync {
          try lock.withLock { _ in try permits.withPermits(1) { Fiber.yield() } }
          try table.withReadLock { _ in Fiber.yield() }
          try table.withWriteLock { _ in Fiber.yield() }
        }
      }
    }
  }

  private func subscribers() throws {
    let multicast = Multicast<Int>()
    try withNursery { nursery in
      for _ in 0..<2 {
        let subscription = multicast.subscribe(.holdingBack(2))
        nursery.goAsync { while try subscription.next() != nil {} }
      }
      for number in 0..<10 { try multicast.send(number) }
      multicast.close()
    }
  }

  private func timers() throws {
    let channel = Channel<Int>()
    _ = try withTimeoutOrNil(.microseconds(200)) { try channel.receive() }
    _ = try channel.receiveOp().orTimeout(after: .microseconds(200)).recover { _ in 0 }.perform()
    try withNursery { nursery in
      nursery.goAsync { _ = try channel.receive() }
      try sleep(for: .microseconds(200))
      nursery.cancel()
    }
  }

  private func calls() throws {
    let channel = Channel<Int>(.bounded(1))
    try withNursery { nursery in
      nursery.goAsync { _ = try channel.receive() }
      try blocking { _ = try channel.trySend(1) }
      let child = nursery.goAsync { try goAndWait { Fiber.yield() } }
      try child.wait()
    }
  }

  private func sockets() throws {
    let (left, right) = try UnixStream.pair()
    defer {
      left.close()
      right.close()
    }
    let bytes = [UInt8](repeating: 7, count: 64)
    try withNursery { nursery in
      let received = Channel<Int>()
      nursery.goAsync {
        try received.send(BufferedReader(right).readExactly(64).count)
      }
      _ = try bytes.withUnsafeBytes { try left.write($0) }
      _ = try received.receive()
    }
  }

  private func threadsAndTasks() throws {
    let channel = Channel<Int>()
    let thread = PlainThread { try channel.send(1) }
    _ = try channel.receive()
    try thread.join()
    try withNursery { nursery in
      let results = Channel<Int>()
      nursery.goAsync { _ = try results.receive() }
      Task { try await results.send(1) }
    }
  }
}
