import Foundation
import Nursery
import TestSupport
import Testing

/// Dumps while everything moves.
struct FiberDumpStressTests {
  @Test func dumpsCanBeTakenTwiceAtOnceDuringACancelStorm() throws {
    let hasEnded = Guarded(false)
    let takers = (0..<2).map { _ in
      PlainThread {
        var taken = 0
        while !hasEnded.withLock({ $0 }) {
          let dump = FiberDump.all()
          taken += dump.count
          _ = dump.suspects
        }
        return taken
      }
    }
    try runFibers(Configuration(parallelism: 2)) {
      for round in 0..<30 {
        try withNursery("round \(round)", placement: .spread) { nursery in
          let channel = Channel<Int>()
          let lock = FiberMutex(0)
          for _ in 0..<20 {
            nursery.goAsync { _ = try choose(channel.receiveOp(), sleepOp(for: .seconds(9)).wrap { 0 }) }
            nursery.goAsync("named") {
              try withTimeout(.seconds(9)) { try lock.withLock { _ in try sleep(for: .microseconds(50)) } }
            }
            nursery.goAsync { try nursery.goAsync { try channel.receive() }.wait() }
          }
          for _ in 0..<20 { Fiber.yield() }
          nursery.cancel("storm")
        }
      }
    }
    hasEnded.withLock { $0 = true }
    for taker in takers { _ = try taker.join() }
  }

  @Test func dumpsCanBeTakenWhileWorkersComeAndGo() throws {
    try runFibers(Configuration(parallelism: 4)) {
      let scheduler = try #require(Scheduler.current)
      try withNursery(placement: .spread) { nursery in
        let channel = Channel<Int>()
        for _ in 0..<50 { nursery.goAsync { while true { _ = try channel.receive() } } }
        for number in 0..<100 {
          if number % 3 == 0 { try? scheduler.retireWorker() }
          if number % 3 == 1 { try? scheduler.spawnWorker() }
          #expect(scheduler.dump().count == 51)
          try channel.send(number)
        }
        nursery.cancel()
      }
    }
  }

  @Test func aTaskCanTakeADump() async throws {
    let dump = FiberDump.current()
    #expect(dump.count >= 0)
    try await withNursery { nursery in
      let channel = Channel<Int>()
      nursery.goAsync("receiver") { _ = try channel.receive() }
      Fiber.yield()
      #expect(FiberDump.current().description.contains("fiber \"receiver\""))
      nursery.cancel()
    }
  }

  @Test func aDumpOfASchedulerWhoseRunIsOverIsEmpty() throws {
    let scheduler = try runFibers { Scheduler.current! }
    #expect(scheduler.dump().count == 0)
    #expect(scheduler.dump().description == "0 fibers\n")
  }

  @Test func theJSONReadsBackAsItsSchemaSays() throws {
    let json = try runFibers(.deterministic(seed: 5)) {
      try withNursery("a \"quoted\"\n name") { nursery in
        let lock = FiberMutex(0)
        nursery.goAsync("holder") {
          try lock.withLock { _ in
            nursery.goAsync("waiter") { try withTimeout(.seconds(2)) { try lock.withLock { _ in } } }
            try sleep(for: .seconds(3))
          }
        }
        waitUntilAllParked()
        let json = FiberDump.current().json
        nursery.cancel()
        return json
      }
    }
    let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(object["schema"] as? String == "nursery.fiber-dump")
    #expect(object["version"] as? Int == FiberDump.schemaVersion)
    let fibers = try #require(object["fibers"] as? [[String: Any]])
    let waiter = try #require(fibers.first { $0["name"] as? String == "waiter" })
    let holder = try #require(fibers.first { $0["name"] as? String == "holder" })
    #expect(waiter["state"] as? String == "waiting")
    #expect(waiter["nursery"] as? String == "a \"quoted\"\n name")
    #expect(waiter["deadlineIn"] as? Double == 2)
    let wait = try #require((waiter["waits"] as? [[String: Any]])?.first)
    #expect(wait["waker"] as? String == "holder")
    #expect(wait["fiber"] as? Int == holder["id"] as? Int)
    let scopes = try #require(object["scopes"] as? [[String: Any]])
    let scope = try #require(waiter["scope"] as? Int)
    #expect(scopes[scope]["kind"] as? String == "scope")
    #expect(scopes[waiter["home"] as! Int]["kind"] as? String == "nursery")
  }

  @Test func theGraphNamesEveryFiberAndWhomItWaitsFor() throws {
    let dot = try runFibers(.deterministic(seed: 5)) {
      try withNursery { nursery in
        let end = nursery.goAsync("sleeper") { try sleep(for: .seconds(3)) }
        nursery.goAsync("waiter") { try end.wait() }
        waitUntilAllParked()
        defer { nursery.cancel() }
        return FiberDump.current().dot
      }
    }
    #expect(dot.hasPrefix("digraph fibers {"))
    #expect(dot.contains("fiber \\\"sleeper\\\""))
    #expect(dot.contains(" -> "))
  }
}
