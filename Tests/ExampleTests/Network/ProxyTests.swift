import Nursery
import Proxy
import TestSupport
import Testing

@Suite struct ProxyTests {
  @Test(.enabled(if: mayOpen(500), "it needs 500 descriptors"), arguments: parallelisms)
  func manyConnectionsAtOnceDoNotMix(workers: Int) throws {
    try withProxy(workers: workers) { listener, address, reports in
      try withNursery { nursery in
        nursery.goAsync(daemon: true) { try serveEchoes(listener) }
        try withNursery { clients in
          for number in 0..<100 {
            clients.goAsync {
              let stream = try TCPStream.connect(to: address)
              let bytes = bytes(5000, seed: number + 1)
              for start in stride(from: 0, to: 5000, by: 500) {
                try stream.writeAll(Array(bytes[start..<start + 500]))
              }
              try stream.closeWriting()
              expectEqual(try readToEnd(stream), bytes)
              stream.close()
            }
          }
        }
      }
      expectEqual(reports.entries, [])
    }
  }

  @Test func anEndIsPassedOnAndTheOtherDirectionStays() throws {
    try withProxy { listener, address, reports in
      let client = try TCPStream.connect(to: address)
      let server = try listener.accept()
      try client.writeAll("question")
      try client.closeWriting()
      expectEqual(try readToEnd(server), Array("question".utf8))
      let answer = bytes(1_000_000)
      try withNursery { nursery in
        nursery.goAsync {
          try server.writeAll(answer)
          try server.closeWriting()
        }
        expectEqual(try readToEnd(client), answer)
      }
      expectEqual(reports.entries, [])
    }
  }

  @Test func aServerMayEndFirst() throws {
    try withProxy { listener, address, reports in
      let client = try TCPStream.connect(to: address)
      let server = try listener.accept()
      try server.writeAll("greeting")
      try server.closeWriting()
      expectEqual(try readToEnd(client), Array("greeting".utf8))
      try client.writeAll("thanks")
      try client.closeWriting()
      expectEqual(try readToEnd(server), Array("thanks".utf8))
      expectEqual(reports.entries, [])
    }
  }

  @Test(arguments: [false, true]) func aResetIsPassedOnInEitherDirection(breaksServer: Bool) throws {
    try withProxy { listener, address, reports in
      let client = try TCPStream.connect(to: address)
      let server = try listener.accept()
      try client.writeAll("half")
      expectEqual(try server.read(upTo: 4), Array("half".utf8))
      let (breaking, other) = breaksServer ? (server, client) : (client, server)
      breaking.reset()
      expectThrows(SystemError.self) { try other.read(upTo: 1) }
    }
  }

  @Test(arguments: parallelisms) func aBrokenServersPartialAnswerIsNotPassedOnAsComplete(workers: Int) throws {
    try withProxy(workers: workers) { listener, address, _ in
      for _ in 0..<20 {
        let client = try TCPStream.connect(to: address)
        let server = try listener.accept()
        let bytes = bytes(65_536)
        // Until the buffers of two connections and of the proxy are full: then the proxy waits to write, and to read.
        repeat {
          while try bytes.withUnsafeBytes({ try client.tryWrite($0) }) != nil {}
          try sleep(for: .milliseconds(5))
        } while try bytes.withUnsafeBytes({ try client.tryWrite($0) }) != nil
        try server.writeAll("half")
        expectEqual(try client.read(upTo: 100), Array("half".utf8))
        server.reset()
        expectThrows(SystemError.self) { try client.read(upTo: 1) }
        client.close()
      }
    }
  }

  @Test func bytesThatAServerSendsBeforeItResetsAreDelivered() throws {
    try withProxy { listener, address, _ in
      let client = try TCPStream.connect(to: address)
      let server = try listener.accept()
      try client.writeAll(bytes(100_000))
      expectEqual(try server.read(upTo: 1).count, 1)
      try server.writeAll("too much")
      // Some bytes are unread, so this is a reset.
      server.close()
      expectEqual(try client.read(upTo: 100), Array("too much".utf8))
    }
  }

  @Test func aClientThatDoesNotReadStopsItsWriterAndNoOther() throws {
    try withProxy { listener, address, _ in
      try withNursery { nursery in
        let client = try TCPStream.connect(to: address)
        let deaf = try listener.accept()
        let written = Counter()
        let bytes = bytes(65_536)
        nursery.goAsync(daemon: true) { while true { written.add(try client.write(bytes)) } }
        // Until the buffers of two connections and of the proxy are full.
        var before = -1
        while before != written.value {
          before = written.value
          try sleep(for: .milliseconds(20))
        }
        let other = try TCPStream.connect(to: address)
        let server = try listener.accept()
        for _ in 0..<100 {
          try other.writeAll("x")
          expectEqual(try server.read(upTo: 1), Array("x".utf8))
        }
        withExtendedLifetime(deaf) {}
      }
    }
  }

  @Test func ifNoServerListensTheClientsConnectionIsClosed() throws {
    try withProxy { listener, address, reports in
      listener.close()
      for _ in 0..<3 {
        let client = try TCPStream.connect(to: address)
        expectThrows(SystemError.self) { try client.read(upTo: 1) }
      }
      #expect(reports.entries.count == 3)
      #expect(reports.entries.allSatisfy { $0.contains("Connection refused") })
    }
  }

  @Test func aSilentConnectionIsEndedAndATalkativeOneIsNot() throws {
    try withProxy({ $0.idleTimeout = .milliseconds(100) }) { listener, address, reports in
      let silent = try TCPStream.connect(to: address)
      let silentServer = try listener.accept()
      let client = try TCPStream.connect(to: address)
      let server = try listener.accept()
      try withNursery { nursery in
        nursery.goAsync { try copy(from: server, to: server) }
        let ended = nursery.goAsync { expectThrows(SystemError.self) { try silent.read(upTo: 1) } != nil }
        while !ended.isFinished {
          try client.writeAll("x")
          expectEqual(try client.read(upTo: 1), Array("x".utf8))
        }
        expectEqual(try ended.wait(), true)
        try server.closeWriting()
        try client.closeWriting()
      }
      expectThrows(SystemError.self) { try silentServer.read(upTo: 1) }
      #expect(reports.entries.count == 1 && reports.entries[0].contains("no data has been sent for 0.1 seconds"))
    }
  }

  @Test func beyondItsLimitConnectionsWait() throws {
    try withProxy(limit: 1) { listener, address, _ in
      let first = try TCPStream.connect(to: address)
      let firstServer = try listener.accept()
      let second = try TCPStream.connect(to: address)
      expectThrows(TimeoutError.self) { try listener.acceptOp().orTimeout(after: .milliseconds(10)).perform() }
      first.close()
      firstServer.close()
      let secondServer = try listener.accept()
      try second.writeAll("x")
      expectEqual(try secondServer.read(upTo: 1), Array("x".utf8))
    }
  }

  @Test func drainingLetsConnectionsEndAndTakesNoMore() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let listener = try TCPListener(port: 0)
      let proxy = try TCPListener(port: 0)
      try withNursery { nursery in
        let target = Proxy(to: "localhost", port: listener.port) { _ in }
        nursery.goAsync { try target.serve(proxy) }
        let client = try TCPStream.connect(to: proxy.address)
        let server = try listener.accept()
        nursery.drain(grace: .seconds(100))
        waitUntilAllParked()
        expectThrows(SystemError.self) { try TCPStream.connect(to: proxy.address) }
        try client.writeAll("still")
        expectEqual(try server.read(upTo: 5), Array("still".utf8))
        client.close()
        server.close()
      }
    }
  }
}

/// Runs `body` with a listener as the server, the address of a proxy for it, and the proxy's reports.
private func withProxy(
  workers: Int = 1, limit: Int? = nil, _ change: (inout ProxyOptions) -> Void = { _ in },
  _ body: (TCPListener, SocketAddress, Log<String>) throws -> Void
) throws {
  var options = ProxyOptions()
  options.lastWords = .milliseconds(50)
  change(&options)
  try runFibers(Configuration(parallelism: workers)) {
    try withNursery { nursery in
      let server = try TCPListener(port: 0)
      let listener = try TCPListener(port: 0, limit: limit)
      let reports = Log<String>()
      let proxy = Proxy(to: "localhost", port: server.port, options) { reports.append($0) }
      nursery.goAsync(daemon: true) { try proxy.serve(listener) }
      try body(server, listener.address, reports)
    }
  }
}

private func serveEchoes(_ listener: TCPListener) throws {
  try withNursery { connections in
    for connection in listener {
      connections.goAsync {
        try copy(from: connection, to: connection)
        connection.close()
      }
    }
  }
}

private func bytes(_ count: Int, seed: Int = 1) -> [UInt8] {
  var random = Random(seed: UInt64(seed))
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

private func readToEnd(_ stream: TCPStream) throws -> [UInt8] { try BufferedReader(stream).readAll(limit: 1 << 30) }
