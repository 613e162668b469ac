import Nursery
import TestSupport
import Testing

/// Fibers that nothing can wake any more, because nothing else refers to what they wait for.
struct SuspectTests {
  /// Asks when nothing moves any more, then cancels the program.
  private func suspects(_ program: (Nursery) throws -> Void) throws -> [FiberDump.Suspects] {
    try runFibers(.deterministic(seed: 3)) {
      try withNursery("program") { nursery in
        try program(nursery)
        waitUntilAllParked()
        let suspects = FiberDump.current().suspects
        nursery.cancel()
        return suspects
      }
    }
  }

  private func leakReceiver(_ nursery: Nursery) -> Int {
    let channel = Channel<Int>()
    let log = Log<Int>()
    nursery.goAsync { log.append(try channel.receive()) }
    return #line - 1
  }

  @Test func aLeakedReceiverAmongTenThousandHealthyFibersIsNamedWithItsSpawnLine() throws {
    let count = isSanitized ? 100 : 2500
    var line = 0
    // A deterministic scheduler would take its time with so many.
    let suspects = try virtually {
      try withNursery { nursery in
        let lock = FiberMutex(0)
        let permits = FiberSemaphore(3)
        for _ in 0..<count {
          let channel = Channel<Int>()
          nursery.goAsync { for _ in channel {} }
          nursery.goAsync {
            while true {
              try sleep(for: .seconds(1))
              try channel.send(1)
            }
          }
          nursery.goAsync { while true { try lock.withLock { _ in try sleep(for: .seconds(1)) } } }
          nursery.goAsync { while true { try permits.withPermits(1) { try sleep(for: .seconds(2)) } } }
        }
        line = leakReceiver(nursery)
        for _ in 0..<3 { try sleep(for: .seconds(1)) }
        defer { nursery.cancel() }
        return FiberDump.current().suspects
      }
    }
    #expect(suspects.count == 1)
    let leaked = try #require(suspects.first?.fibers.first)
    #expect(leaked.site.description == "NurseryTests/SuspectTests.swift:\(line)")
    #expect(leaked.waits.map(\.description) == ["receive from a Channel<Int>"])
    #expect(suspects.first?.description.contains("spawned at \(leaked.site) has waited 3 s") == true)
    #expect(suspects.first?.description.hasSuffix("receive from a Channel<Int>, to which nothing else refers") == true)
  }

  @Test func whoeverWaitsForWhatNothingElseRefersToIsSuspected() throws {
    let suspects = try suspects { nursery in
      let answers = Channel<Int>()
      nursery.goAsync("sender") { try answers.send(1) }
      let ready = Condition()
      let log = Log<Int>()
      nursery.goAsync("waiter") {
        try ready.wait()
        log.append(1)
      }
      let first = Channel<Int>(.bounded(1))
      let second = Channel<Int>(.bounded(1))
      nursery.goAsync("two ends") {
        log.append(try first.receive())
        try second.send(1)
      }
    }
    #expect(
      Set(suspects.flatMap(\.fibers).map(\.label)) == ["fiber \"sender\"", "fiber \"waiter\"", "fiber \"two ends\""])
  }

  /// The program of the guide.
  @Test func aSenderWhoseReceiverHasGivenUpIsSuspected() throws {
    let suspects = try suspects { nursery in
      func search(_ nursery: Nursery) throws -> Int? {
        let answers = Channel<Int>()
        nursery.goAsync("search") {
          try sleep(for: .seconds(2))
          try answers.send(42)
        }
        return try withTimeoutOrNil(.seconds(1)) { try answers.receive() }
      }
      #expect(try search(nursery) == nil)
      try sleep(for: .seconds(60))
    }
    #expect(suspects.flatMap(\.fibers).map(\.label) == ["fiber \"search\""])
    #expect(suspects.first?.description.hasSuffix("send to a Channel<Int>, to which nothing else refers") == true)
  }

  @Test func fibersThatShareALeakedChannelAreSuspectedTogether() throws {
    let suspects = try suspects { nursery in
      let channel = Channel<Int>()
      for number in 0..<3 { nursery.goAsync("\(number)") { _ = try channel.receive() } }
    }
    #expect(suspects.count == 1)
    #expect(suspects.first?.fibers.count ?? 0 > 1)
  }

  #if DEBUG
    /// In optimised code the loop's reference may count as another's.
    @Test func aLoopOverALeakedChannelIsSuspected() throws {
      let suspects = try suspects { nursery in
        let channel = Channel<Int>()
        let log = Log<Int>()
        nursery.goAsync("loop") { for number in channel { log.append(number) } }
      }
      #expect(suspects.flatMap(\.fibers).map(\.label) == ["fiber \"loop\""])
    }
  #endif

  private final class Service: Sendable {
    let inbox = Channel<Int>()
    func serve() throws { while true { _ = try inbox.receive() } }
  }

  private struct Weak: @unchecked Sendable {
    weak var channel: Channel<Int>?
  }

  @Test func whatAnythingElseRefersToMayStillBeUsed() throws {
    let kept = Guarded<[Any]>([])
    let suspects = try suspects { nursery in
      func keep(_ value: Any) { kept.withLock { $0.append(value) } }
      let service = Service()
      keep(service)
      nursery.goAsync("service") { try service.serve() }
      let own = Channel<Int>()
      keep(own)
      nursery.goAsync("variable") { for _ in own {} }
      func weakly() {
        let channel = Channel<Int>()
        keep(Weak(channel: channel))
        nursery.goAsync("weak") { _ = try channel.receive() }
      }
      weakly()
      func operation() {
        let channel = Channel<Int>()
        keep(channel.sendOp(1))
        nursery.goAsync("operation") { _ = try channel.receive() }
      }
      operation()
      func closure() {
        let channel = Channel<Int>()
        nursery.goAsync("closure") { _ = try channel.receive() }
        nursery.goAsync {
          try sleep(for: .seconds(100))
          channel.close()
        }
      }
      closure()
      func buffered() {
        let channel = Channel<Int>()
        let channels = Channel<Channel<Int>>(.unbounded)
        _ = try? channels.trySend(channel)
        keep(channels)
        nursery.goAsync("buffered") { _ = try channel.receive() }
      }
      buffered()
      func lent() {
        let channel = Channel<Int>(.bounded(8))
        _ = try? channel.trySend(1)
        nursery.goAsync("lent") {
          _ = try channel.concurrentMap(limit: 2) {
            try sleep(for: .seconds(100))
            try channel.send($0)
          }
        }
      }
      lent()
    }
    #expect(suspects.map(\.description) == [])
  }

  @Test func leakedFibersThatSomethingElseEndsAreNotSuspected() throws {
    let suspects = try suspects { nursery in
      func deadline() {
        let channel = Channel<Int>()
        nursery.goAsync { try withTimeout(.seconds(100)) { _ = try channel.receive() } }
      }
      deadline()
      func timer() {
        let channel = Channel<Int>()
        nursery.goAsync { _ = try choose(channel.receiveOp(), sleepOp(for: .seconds(100)).wrap { 0 }) }
      }
      timer()
      func daemon() {
        let channel = Channel<Int>()
        nursery.goAsync(daemon: true) { _ = try channel.receive() }
      }
      daemon()
    }
    #expect(suspects.map(\.description) == [])
  }
}
