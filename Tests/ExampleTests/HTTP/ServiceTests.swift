import Nursery
import Testing

@testable import HTTPServer

/// The server on real sockets, with clients that behave badly.
struct ServiceTests {
  private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  /// Runs a server, and `body` with its address; drains the server when `body` returns.
  private func withServer(
    _ service: Service = Service(handler: mirror), workers: Int, _ body: (SocketAddress, Nursery) throws -> Void
  ) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        nursery.goAsync("server") { try service.serve(listener) }
        try body(listener.address, nursery)
        nursery.drain(grace: .seconds(20))
      }
    }
  }

  private func read(_ stream: TCPStream, _ count: Int) throws -> Int {
    try BufferedReader(stream).readExactly(count).count
  }

  private func ask(_ address: SocketAddress) throws -> String {
    let stream = try TCPStream.connect(to: address)
    defer { stream.close() }
    try stream.writeAll("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    return withoutDates(String(decoding: try BufferedReader(stream).readAll(limit: 10_000), as: UTF8.self))
  }

  @Test(arguments: parallelisms) func clientsThatResetAffectNoOther(workers: Int) throws {
    let log = Log<String>()
    try withServer(Service(report: { log.append("\($0)") }, handler: mirror), workers: workers) { address, _ in
      var options = SocketOptions()
      options.linger = 0
      let patient = try TCPStream.connect(to: address)
      for text in ["", "GET", get, get + get, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx", "\u{0}\n"] {
        for _ in 0..<10 {
          let stream = try TCPStream.connect(to: address, options: options)
          try stream.writeAll(text)
          stream.close()
        }
      }
      try patient.writeAll(get)
      _ = try BufferedReader(patient).readUntil(Array("\r\n\r\n".utf8), limit: 1000)
      expectEqual(try ask(address), response("GET / []", fields: "Connection: close\r\n"))
      patient.close()
    }
    // A handler that was reading the body may have got the error; no other report is expected.
    expectEqual(log.entries.allSatisfy { $0.contains("Connection reset") }, true)
  }

  @Test(arguments: parallelisms) func aRefusalArrivesAlthoughTheClientIsStillSending(workers: Int) throws {
    var limits = Limits()
    limits.body = 1000
    try withServer(Service(limits: limits, handler: mirror), workers: workers) { address, nursery in
      let stream = try TCPStream.connect(to: address)
      nursery.goAsync {
        try stream.writeAll("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        try stream.writeAll([UInt8](repeating: 0, count: 100_000))
        try stream.closeWriting()
      }
      let text = String(decoding: try BufferedReader(stream).readAll(limit: 10_000), as: UTF8.self)
      expectEqual(statuses(text), [413])
    }
  }

  @Test(arguments: parallelisms) func drainingAcceptsNoClientAndLetsEachFinish(workers: Int) throws {
    let hasBegun = Condition("the handler has begun")
    let mayEnd = Condition("the handler may end")
    let service = Service { _, response in
      hasBegun.signal()
      try mayEnd.wait()
      try response.send("done")
    }
    try withServer(service, workers: workers) { address, nursery in
      let stream = try TCPStream.connect(to: address)
      try stream.writeAll(get)
      try hasBegun.wait()
      nursery.drain(grace: .seconds(20))
      expectSoonInFiber { (try? TCPStream.connect(to: address)) == nil }
      mayEnd.signal()
      let text = String(decoding: try BufferedReader(stream).readAll(limit: 10_000), as: UTF8.self)
      expectEqual(withoutDates(text), response("done", fields: "Connection: close\r\n"))
    }
  }

  /// Yields to other fibers until the condition is true, for a minute at most.
  private func expectSoonInFiber(_ condition: () -> Bool, location: SourceLocation = #_sourceLocation) {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
      if ContinuousClock.now > end {
        Issue.record("it has not become true in a minute", sourceLocation: location)
        return
      }
      Fiber.yield()
    }
  }

  @Test(.enabled(if: mayOpen(500), "it needs 500 descriptors"), arguments: parallelisms)
  func aThousandConnectionsAreServed(workers: Int) throws {
    try withServer(workers: workers) { address, nursery in
      for _ in 0..<10 {
        try withNursery { clients in
          for _ in 0..<100 {
            clients.goAsync {
              let stream = try TCPStream.connect(to: address)
              defer { stream.close() }
              try stream.writeAll(String(repeating: get, count: 5))
              let reader = BufferedReader(stream)
              for _ in 0..<5 {
                _ = try reader.readUntil(Array("\r\n\r\n".utf8), limit: 1000)
                _ = try reader.readExactly(8)
              }
            }
          }
        }
      }
    }
  }
}
