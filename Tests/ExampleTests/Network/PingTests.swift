import Nursery
import PingClient
import PingServer
import TestSupport
import Testing

@Suite struct PingTests {
  @Test(arguments: parallelisms) func everyPingIsAnswered(workers: Int) throws {
    try runFibers(Configuration(parallelism: workers)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0, limit: 5)
        nursery.goAsync(daemon: true) { try servePings(listener) }
        try sendPings(to: "localhost", port: listener.port, connections: 20, requests: 50)
      }
    }
  }

  @Test func aClientThatSendsSomethingElseIsDisconnected() throws {
    try runFibers {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        nursery.goAsync(daemon: true) { try servePings(listener) }
        for words in ["hello\n", "ping\n", "\n", String(repeating: "ping ", count: 20)] {
          let stream = try TCPStream.connect(to: listener.address)
          try stream.writeAll("ping 1\n")
          let reader = BufferedReader(stream)
          expectEqual(try reader.readLine(), "pong 1")
          try stream.writeAll(words)
          // An end, or a reset if the server has left bytes unread.
          let rest = (try? reader.readAll(limit: 1000)) ?? []
          #expect(rest.isEmpty)
        }
        try sendPings(to: "localhost", port: listener.port, connections: 1, requests: 1)
      }
    }
  }

  @Test func drainingAcceptsNoClientAndLetsEachFinish() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let listener = try TCPListener(port: 0)
      try withNursery { nursery in
        nursery.goAsync { try servePings(listener) }
        let stream = try TCPStream.connect(to: listener.address)
        let reader = BufferedReader(stream)
        try stream.writeAll("ping 1\npi")
        expectEqual(try reader.readLine(), "pong 1")
        nursery.drain(grace: .seconds(100))
        waitUntilAllParked()
        expectThrows(SystemError.self) { try TCPStream.connect(to: listener.address) }
        try stream.writeAll("ng 2\n")
        expectEqual(try reader.readLine(), "pong 2")
        expectEqual(try reader.readLine(), nil)
        stream.close()
      }
    }
  }

  @Test func aWrongAnswerIsNoticed() throws {
    try runFibers {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        nursery.goAsync(daemon: true) {
          for connection in listener {
            try connection.writeAll("pong 0\npong 2\n")
            _ = try connection.read(upTo: 100)
            _ = try connection.read(upTo: 100)
          }
        }
        let error = expectThrows(WrongAnswerError.self) {
          try sendPings(to: "localhost", port: listener.port, connections: 1, requests: 3)
        }
        #expect(error?.description == "expected the answer 'pong 1', but the server answered 'pong 2'")
      }
    }
  }
}
