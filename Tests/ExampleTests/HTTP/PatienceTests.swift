import Nursery
import Testing

@testable import HTTPServer

/// The timeouts of a connection, in virtual time.
struct PatienceTests {
  private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func anIdleConnectionIsClosedAfterAWhile() throws {
    try withClient { client, _ in
      for _ in 0..<3 {
        try sleep(for: .seconds(59))
        try client.send(get)
        _ = try client.readHead()
        _ = try client.readBody(8)
      }
      let start = FiberClock.now
      expectEqual(try client.readToEnd(), "")
      expectEqual(secondsSince(start), 60)
    }
  }

  @Test func aHeadThatComesTooSlowlyIsRefused() throws {
    try withClient { client, nursery in
      let start = FiberClock.now
      let drip = nursery.goAsync {
        for byte in "GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 100))".utf8 {
          guard (try? client.requests.writer.writeAll([byte])) != nil else { return }
          try sleep(for: .seconds(1))
        }
      }
      expectEqual(try client.readHead().prefix(12), "HTTP/1.1 408")
      expectEqual(secondsSince(start), 10)
      drip.cancel()
    }
  }

  @Test func aBodyMayTakeLongButMustNotComeByteByByte() throws {
    try withClient { client, nursery in
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
      // A portion every 25 seconds is within the limit.
      for _ in 0..<4 {
        try sleep(for: .seconds(25))
        try client.send(String(repeating: "x", count: 65_536))
      }
      let start = FiberClock.now
      let drip = nursery.goAsync {
        while (try? client.send("x")) != nil { try sleep(for: .seconds(2)) }
      }
      expectEqual(try client.readHead().prefix(12), "HTTP/1.1 408")
      expectEqual(secondsSince(start), 50)
      drip.cancel()
    }
  }

  @Test func theTimeThatTheHandlerTakesIsNotTheClients() throws {
    let service = Service { request, response in
      for _ in 0..<3 {
        _ = try request.body.read(upTo: 1)
        try sleep(for: .seconds(100))
      }
      try response.send("done")
    }
    try withClient(service) { client, _ in
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
      for _ in 0..<3 {
        try client.send("x")
        // In each round the handler waits for ten seconds.
        try sleep(for: .seconds(110))
      }
      expectEqual(try client.readHead(), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    }
  }

  @Test func aClientThatDoesNotReadIsDisconnected() throws {
    try runFibers(.virtual()) {
      let (requests, responses) = (MemoryPipe(), MemoryPipe(capacity: 1000))
      let log = Log<String>()
      let service = Service(report: { log.append("\($0)") }) { _, response in
        try response.begin(length: 1 << 20)
        for _ in 0..<16 { try response.write([UInt8](repeating: 0, count: 65_536)) }
      }
      try requests.writer.writeAll(get)
      let start = FiberClock.now
      try service.serve(requests.reader, responses.writer) {}
      expectEqual(secondsSince(start), 60)  // a part of the second portion was taken, so it had its own timeout
      expectEqual(log.entries, [])
    }
  }

  @Test func afterTheLastResponseTheClientHasAWhileToClose() throws {
    try withClient { client, _ in
      try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n and more")
      let start = FiberClock.now
      expectEqual(try client.readToEnd(), response("GET / []", fields: "Connection: close\r\n"))
      try client.send("more")
      expectEqual(secondsSince(start), 0)
      try sleep(for: .milliseconds(1100))
      expectThrows(SystemError.self) { try client.send("much more") }
    }
  }

  // MARK: 100-continue

  private let expecting = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

  @Test func theClientIsAskedForTheBodyWhenItIsRead() throws {
    try withClient { client, _ in
      try client.send(get + expecting)
      expectEqual(try client.readHead(), "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
      expectEqual(try client.readBody(8), "GET / []")
      expectEqual(try client.readHead(), "HTTP/1.1 100 Continue\r\n\r\n")
      try sleep(for: .seconds(5))
      try client.send("hello")
      expectEqual(try client.readHead(), "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n")
      expectEqual(try client.readBody(14), "POST / [hello]")
      try client.send(get)
      expectEqual(try client.readHead(), "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
    }
  }

  @Test func aBodyThatIsPassedOnIsAskedForBeforeTheResponseBegins() throws {
    try withClient(Service { request, response in try response.send(from: request.body) }) { client, _ in
      try client.send(expecting)
      expectEqual(try client.readHead(), "HTTP/1.1 100 Continue\r\n\r\n")
      try client.send("hello")
      expectEqual(try client.readHead(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      expectEqual(try client.readBody(15), "5\r\nhello\r\n0\r\n\r\n")
    }
  }

  @Test func aBodyThatIsNotWantedIsNotAskedFor() throws {
    try withClient(Service { _, response in try response.send("no") }) { client, _ in
      try client.send(expecting)
      expectEqual(try client.readToEnd(), response("no", fields: "Connection: close\r\n"))
    }
  }

  @Test func aBodyThatIsTooLargeIsNotAskedFor() throws {
    var limits = Limits()
    limits.body = 4
    try withClient(Service(limits: limits, handler: mirror)) { client, _ in
      try client.send(expecting)
      expectEqual(try client.readHead().prefix(12), "HTTP/1.1 413")
    }
  }

  // MARK: Draining

  @Test func drainingClosesIdleConnectionsAtOnce() throws {
    try withClient { client, nursery in
      try client.send(get)
      _ = try client.readHead()
      _ = try client.readBody(8)
      try sleep(for: .seconds(1))
      nursery.drain(grace: .seconds(30))
      let start = FiberClock.now
      expectEqual(try client.readToEnd(), "")
      expectEqual(secondsSince(start), 0)
    }
  }

  @Test func aRequestUnderWayIsAnsweredAndIsTheLast() throws {
    let service = Service { _, response in
      try sleep(for: .seconds(5))
      try response.send("done")
    }
    try withClient(service) { client, nursery in
      try client.send(get + get)
      try sleep(for: .seconds(6))
      nursery.drain(grace: .seconds(30))
      expectEqual(try client.readToEnd(), response("done") + response("done", fields: "Connection: close\r\n"))
    }
    try withClient(service) { client, nursery in
      try client.send(get)
      try sleep(for: .seconds(6))
      nursery.drain(grace: .seconds(30))
      expectEqual(try client.readToEnd(), response("done"))
    }
  }

  @Test func aRequestWhoseHandlerBeginsWhileDrainingSaysThatItIsTheLast() throws {
    try withClient { client, nursery in
      try client.send("GET / HTTP/1.1\r\n")
      try sleep(for: .seconds(1))
      nursery.drain(grace: .seconds(30))
      try sleep(for: .seconds(1))
      try client.send("Host: a\r\n\r\n\(get)")
      expectEqual(try client.readToEnd(), response("GET / []", fields: "Connection: close\r\n"))
    }
  }
}
