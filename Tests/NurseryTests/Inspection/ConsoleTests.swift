import Foundation
import Nursery
import TestSupport
import Testing

/// What a console answers.
struct ConsoleTests {
  /// Runs `body` with a console at the path, in whose run there is a nursery "shop".
  private func withConsole(
    parallelism: Int = 1, limits: ConsoleLimits = ConsoleLimits(), _ body: (Nursery, String) throws -> Void
  ) throws {
    try withDirectory { directory in
      let path = "\(directory)/console"
      try runFibers(Configuration(parallelism: parallelism, onDeadlock: .wait, console: .at(path, limits))) {
        try withNursery("shop") { nursery in
          try body(nursery, path)
          nursery.cancel()
        }
      }
    }
  }

  @Test func eachCommandIsAnsweredByALineOfJSON() throws {
    try withConsole { nursery, path in
      let never = Channel<Int>()
      nursery.goAsync("waiter") { _ = try never.receive() }
      Fiber.yield()
      let client = try ConsoleClient(path)
      #expect(try client.text("help").contains("\nwhy FIBER") == true)
      #expect(try client.text("tree").contains("nursery \"shop\" opened at NurseryTests/ConsoleTests.swift:") == true)
      #expect(try client.text("dump").contains("fiber \"waiter\" spawned at NurseryTests/ConsoleTests.swift:") == true)
      #expect(try client.text("dump all").contains("fiber \"waiter\"") == true)
      #expect(try client.text("dump dot").hasPrefix("digraph") == true)
      let dump = try #require(try client.ask("dump json")["dump"] as? [String: Any])
      #expect(dump["schema"] as? String == "nursery.fiber-dump")
      #expect(try client.text("why waiter").contains("receive from a Channel<Int>") == true)
      #expect(try client.text("why root").hasPrefix("the root fiber") == true)
      #expect(try client.text("suspects") == "no fibers wait for each other alone")
      let statistics = try #require(try client.ask("stats")["statistics"] as? [String: Any])
      #expect(statistics["fibersAlive"] as? Int == 1)
      #expect(try client.text("workers").hasPrefix("worker 0: regular, ") == true)
      for reply in try ["top", "nonsense", "why nobody", "why", "dump png", "workers hire", "cancel"].map(client.ask) {
        #expect(reply["version"] as? Int == 1)
      }
    }
  }

  @Test func aRefusalSaysWhatToWriteInstead() throws {
    try withConsole { nursery, path in
      for _ in 0..<2 { nursery.goAsync("twin") { _ = try Channel<Int>().receive() } }
      Fiber.yield()
      let client = try ConsoleClient(path)
      #expect(try client.error("nonsense").hasSuffix("see help") == true)
      #expect(try client.error("why").contains("write why 12, why reader or why root") == true)
      #expect(try client.error("why nobody").hasSuffix("see dump") == true)
      #expect(try client.error("why twin").hasPrefix("2 fibers are named \"twin\": #") == true)
      #expect(try client.error("dump png").contains("dump [json|dot|all]") == true)
      #expect(try client.error("cancel").contains("see tree") == true)
      #expect(try client.error("cancel nothing").contains("see tree") == true)
      #expect(try client.error("workers hire").contains("workers spawn or workers retire") == true)
      #expect(try client.error("workers spawn").contains("parallelism: 2") == true)
    }
  }

  @Test func topListsLinesWorkersWaitsAndChannels() throws {
    try withConsole { nursery, path in
      let orders = Channel<Int>(.bounded(2))
      let line = #line + 1
      for _ in 0..<5 { nursery.goAsync("sender") { for order in 0... { try orders.send(order) } } }
      Fiber.yield()
      let client = try ConsoleClient(path)
      let top = try #require(try client.ask("top")["top"] as? [String: Any])
      #expect(top["fibers"] as? Int == 6)
      let lines = try #require(top["lines"] as? [[String: Any]])
      #expect(lines.first?["spawned"] as? String == "NurseryTests/ConsoleTests.swift:\(line)")
      #expect(lines.first?["waiting"] as? Int == 5)
      let channels = try #require(top["channels"] as? [[String: Any]])
      #expect(channels.first?["channel"] as? String == "Channel<Int>")
      #expect(channels.first?["count"] as? Int == 2)
      #expect(channels.first?["senders"] as? Int == 5)
      let workers = try #require(top["workers"] as? [[String: Any]])
      #expect(workers.map { $0["duty"] as? String } == ["regular"])
      let waits = try #require(top["waits"] as? [[String: Any]])
      #expect(waits.contains { ($0["for"] as? String)?.hasPrefix("send to a Channel<Int>") == true })
    }
  }

  @Test func topTellsHowFarTheSlowestSubscriberLags() throws {
    try withConsole { nursery, path in
      let prices = Multicast<Int>()
      let slow = prices.subscribe(.holdingBack(3))
      nursery.goAsync { for price in 0... { try prices.send(price) } }
      Fiber.yield()
      let top = try #require(try ConsoleClient(path).ask("top")["top"] as? [String: Any])
      let channels = try #require(top["channels"] as? [[String: Any]])
      #expect(channels.first?["channel"] as? String == "Multicast<Int>")
      #expect(channels.first?["count"] as? Int == 3)
      #expect(channels.first?["senders"] as? Int == 1)
      withExtendedLifetime(slow) {}
    }
  }

  @Test func cancelEndsTheNurseryThatIsNamedAndNoOther() throws {
    try withConsole { nursery, path in
      let ended = Channel<String>(.unbounded)
      for name in ["orders", "orders", "stock"] {
        nursery.goAsync {
          try withNursery(name) { $0.goAsync { _ = try Channel<Int>().receive() } }
          try ended.send(name)
        }
      }
      for _ in 0..<3 { Fiber.yield() }
      let client = try ConsoleClient(path)
      let refusal = try client.error("cancel orders")
      #expect(refusal.hasPrefix("2 nurseries are meant"))
      #expect(refusal.contains("nursery \"shop/orders\" opened at NurseryTests/ConsoleTests.swift:"))
      #expect(try client.text("cancel shop/stock").hasPrefix("cancelled nursery \"shop/stock\"") == true)
      expectEqual(try ended.receive(), "stock")
      expectEqual(try client.ask("cancel all orders")["cancelled"] as? Int, 2)
      expectEqual(try [ended.receive(), ended.receive()], ["orders", "orders"])
      #expect(try client.error("cancel orders").contains("that has not been cancelled") == true)
    }
  }

  @Test func workersAreRetiredAndSpawned() throws {
    try withConsole(parallelism: 2) { _, path in
      let client = try ConsoleClient(path)
      #expect(try client.text("workers retire").hasPrefix("worker 0: regular") == true)
      #expect(try client.error("workers retire").contains("one worker only") == true)
      #expect(try client.text("workers spawn").contains("\nworker 1: regular") == true)
    }
  }

  @Test func itAnswersWhileEveryWorkerComputes() throws {
    try withConsole { _, path in
      let thread = PlainThread { try ConsoleClient(path).text("dump") }
      let answer = Guarded("")
      let other = PlainThread {
        let text = (try? thread.join()) ?? "none"
        answer.withLock { $0 = text }
      }
      while answer.withLock({ $0.isEmpty }) {}
      try other.join()
      #expect(answer.withLock { $0 }.contains("the root fiber runs"))
    }
  }

  @Test func fibersThatWaitForEachOtherAreSuspects() throws {
    try withConsole { nursery, path in
      let left = FiberMutex(0)
      let right = FiberMutex(0)
      nursery.goAsync("ada") {
        try left.withLock { _ in
          Fiber.yield()
          try right.withLock { _ in }
        }
      }
      nursery.goAsync("bob") {
        try right.withLock { _ in
          Fiber.yield()
          try left.withLock { _ in }
        }
      }
      for _ in 0..<4 { Fiber.yield() }
      let client = try ConsoleClient(path)
      #expect(try client.text("suspects").contains("held by fiber \"ada\"") == true)
      #expect(try client.text("why ada").contains("again: a cycle") == true)
      #expect(try client.ask("why ada")["isCycle"] as? Bool == true)
    }
  }
}
