import ChatServer
import Nursery
import TestSupport
import Testing

@Suite struct ChatTests {
  private static let crowd = isSanitized ? 60 : 1000

  @Test(.enabled(if: mayOpen(2 * crowd + 100), "it needs two descriptors a client"), arguments: parallelisms)
  func aThousandClientsOverLoopbackSeeEveryLineInTheSameOrder(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      let listener = try TCPListener(port: 0)
      try withNursery { nursery in
        let server = ChatServer { Issue.record("\($0)") }
        nursery.goAsync { try server.serve(listener) }
        try checkOrder(try (0..<Self.crowd).map { _ in try Visitor(to: listener.address) })
        listener.close()
      }
    }
  }

  @Test func aThousandClientsInMemorySeeEveryLineInTheSameOrder() throws {
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = ChatServer { Issue.record("\($0)") }
        try checkOrder(
          try (0..<Self.crowd).map { _ in try Visitor(to: server, in: nursery) { Issue.record($0) } })
      }
    }
  }

  /// Lets 20 of the visitors say five lines each, while all hear.
  private func checkOrder(_ visitors: [Visitor]) throws {
    let speakers = visitors.prefix(20)
    let heard = try withNursery { nursery in
      for speaker in speakers {
        nursery.goAsync { for number in 1...5 { try speaker.say("\(number)") } }
      }
      return try visitors.concurrentMap(limit: visitors.count) { try $0.hear(100) }
    }
    #expect(heard.allSatisfy { $0 == heard[0] })
    for speaker in speakers {
      let own = heard[0].filter { $0.hasPrefix("<\(speaker.name)> ") }
      #expect(own == (1...5).map { "<\(speaker.name)> \($0)" })
    }
    for visitor in visitors { visitor.leave() }
  }

  @Test func aSlowClientIsToldHowManyLinesItIsBehindAndDropped() throws {
    let dropped = Log<String>()
    try runFibers(.virtual()) {
      try withNursery { nursery in
        var options = ChatOptions()
        options.backlog = 10
        let server = ChatServer(options) { _ in }
        let slow = try Visitor(to: server, in: nursery, room: 100) { dropped.append("\($0)") }
        let other = try Visitor(to: server, in: nursery) { Issue.record($0) }
        for number in 0..<100 { expectEqual(try other.ask("\(number)"), "<guest2> \(number)") }
        var heard = try slow.hearAll()
        let farewell = heard.removeLast()
        #expect(heard == (0..<heard.count).map { "<guest2> \($0)" })
        #expect(farewell == "! you are \(100 - heard.count) lines behind, because you read too slowly; goodbye")
        #expect(
          dropped.entries == ["dropped, because it read too slowly and was \(100 - heard.count) lines behind"])
        expectEqual(try other.ask("/who"), "* here: guest2")
        other.leave()
      }
    }
  }

  @Test func aClientThatNeverReadsIsDroppedWhenThePatienceIsOver() throws {
    let dropped = Log<String>()
    try runFibers(.virtual()) {
      try withNursery { nursery in
        let server = ChatServer { _ in }
        let deaf = try Visitor(to: server, in: nursery, room: 30) { dropped.append("\($0)") }
        let other = try Visitor(to: server, in: nursery) { Issue.record($0) }
        for number in 0..<20 { expectEqual(try other.ask("line \(number)"), "<guest2> line \(number)") }
        let start = FiberClock.now
        while dropped.entries.isEmpty { try sleep(for: .seconds(1)) }
        #expect(FiberClock.now - start <= .seconds(31))
        expectEqual(try other.ask("/who"), "* here: guest2")
        withExtendedLifetime(deaf) {}
        other.leave()
      }
    }
  }

  @Test func aClientThatLeavesIsStillSentWhatWasSaidBefore() throws {
    try withVisitors(1) { visitors, _ in
      try visitors[0].say("last words")
      visitors[0].leave()
      expectEqual(try visitors[0].hearAll(), ["<guest1> last words"])
    }
  }

  @Test func anEndIsToldToAllAfterTheLinesBefore() throws {
    try runFibers {
      let listener = try TCPListener(port: 0)
      try withNursery { nursery in
        nursery.goAsync { try ChatServer { Issue.record("\($0)") }.serve(listener) }
        let visitors = try (0..<3).map { _ in try Visitor(to: listener.address) }
        try visitors[0].say("hello")
        expectEqual(try visitors[0].hear(), "<guest1> hello")
        nursery.drain(grace: .seconds(100))
        expectEqual(try visitors[0].hearAll(), ["* the server is ending; goodbye"])
        for visitor in visitors.dropFirst() {
          expectEqual(try visitor.hearAll(), ["<guest1> hello", "* the server is ending; goodbye"])
        }
        expectThrows(SystemError.self) { try TCPStream.connect(to: listener.address) }
      }
    }
  }

  @Test func aClientThatDoesNotReadIsCutOffWhenTheGraceIsOver() throws {
    try runFibers(.virtual()) {
      let start = FiberClock.now
      try withNursery { nursery in
        let server = ChatServer { Issue.record("\($0)") }
        try server.withRoom {
          let deaf = try Visitor(to: server, in: nursery, room: 10) { #expect($0 is CancellationError) }
          nursery.drain(grace: .seconds(5))
          withExtendedLifetime(deaf) {}
        }
      }
      #expect(FiberClock.now - start == .seconds(5))
    }
  }
}

/// Calls `body` with visitors of one room, and lets them leave after it.
func withVisitors(
  _ count: Int, _ options: ChatOptions = ChatOptions(), _ body: ([Visitor], ChatServer) throws -> Void
) throws {
  try runFibers(.virtual()) {
    try withNursery { nursery in
      let server = ChatServer(options) { _ in }
      let visitors = try (0..<count).map { _ in try Visitor(to: server, in: nursery) { Issue.record($0) } }
      try body(visitors, server)
      for visitor in visitors { visitor.leave() }
    }
  }
}
