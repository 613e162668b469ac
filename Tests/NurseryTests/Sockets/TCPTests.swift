import Nursery
import Testing

struct TCPTests {
  @Test(arguments: World.all) func writtenBytesAreRead(world: World) throws {
    let bytes = pattern(1_000_000)
    let echoed = try world.run { nursery in
      let (client, server) = try connectedStreams()
      nursery.goAsync {
        while true {
          let piece = try server.read(upTo: 10_000)
          if piece.isEmpty { break }
          try server.writeAll(piece)
        }
        try server.closeWriting()
      }
      nursery.goAsync {
        try client.writeAll(bytes)
        try client.closeWriting()
      }
      return try client.readToEnd()
    }
    #expect(echoed == bytes)
  }

  @Test(.enabled(if: mayOpen(500), "it needs 500 descriptors"), arguments: World.all)
  func manyConnectionsAtOnce(world: World) throws {
    let total = Counter()
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      nursery.goAsync(daemon: true) {
        try withNursery { connections in
          for connection in listener {
            connections.goAsync {
              let bytes = try connection.readToEnd()
              try connection.writeAll(bytes)
            }
          }
        }
      }
      try withNursery { clients in
        for number in 0..<200 {
          clients.goAsync {
            let bytes = pattern(100 + number, seed: UInt64(number + 1))
            let stream = try TCPStream.connect(to: listener.address)
            for byte in bytes { try stream.writeAll([byte]) }
            try stream.closeWriting()
            if try stream.readToEnd() == bytes { total.add() }
            stream.close()
          }
        }
      }
    }
    #expect(total.value == 200)
  }

  @Test(arguments: World.all) func anEndIsReadAfterAllThatWasWrittenBeforeIt(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams()
      // Bytes and the end together, so that one event reports both.
      try client.writeAll("last words")
      client.close()
      try sleep(for: .milliseconds(5))
      expectEqual(try server.read(upTo: 100), Array("last words".utf8))
      expectEqual(try server.read(upTo: 100), [])
      expectEqual(try server.read(upTo: 100), [])
    }
  }

  @Test(arguments: World.all) func aListenerThatIsClosedEndsItsLoop(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      let accepted = nursery.goAsync {
        var count = 0
        for connection in listener {
          count += 1
          connection.close()
        }
        return count
      }
      for _ in 0..<3 { try TCPStream.connect(to: listener.address).close() }
      waitUntilAllParked()
      listener.close()
      expectEqual(try accepted.wait() <= 3, true)
      expectThrows(StreamClosedError.self) { try listener.accept() }
    }
  }

  @Test(arguments: World.all) func aWaiterForAStreamGetsAnErrorWhenItIsClosed(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams()
      let reader = nursery.goAsync { () -> String in
        do { return "\(try client.read(upTo: 1))" } catch { return "\(error)" }
      }
      let chooser = nursery.goAsync { () -> String in
        do {
          return try choose(client.readOp(upTo: 1).wrap { "\($0)" }, sleepOp(for: .seconds(20)).wrap { "slept" })
        } catch { return "\(error)" }
      }
      let writer = nursery.goAsync { () -> String in
        let bytes = pattern(100_000)
        do { while true { try client.writeAll(bytes) } } catch { return "\(error)" }
      }
      try sleep(for: .milliseconds(5))
      client.close()
      for fiber in [reader, chooser, writer] {
        expectEqual(try fiber.wait(), "\(StreamClosedError(stream: client.description))")
      }
      expectThrows(StreamClosedError.self) { try client.write([1]) }
      _ = server
    }
  }

  @Test(arguments: World.all) func aNurseryClosesWhatWasOpenedInIt(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      let kept = try withNursery { _ in try TCPStream.connect(to: listener.address) }
      #expect(kept.isClosed)
      let server = try listener.accept()
      expectEqual(try server.read(upTo: 1), [])
    }
  }

  @Test(arguments: World.all) func theLastReferenceClosesAStream(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      do { _ = try TCPStream.connect(to: listener.address) }
      let server = try listener.accept()
      expectEqual(try server.read(upTo: 1), [])
    }
  }

  @Test(arguments: World.all) func aLimitKeepsConnectionsWaiting(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0, limit: 2)
      let clients = try (0..<3).map { _ in try TCPStream.connect(to: listener.address) }
      let first = try listener.accept()
      let second = try listener.accept()
      let third = nursery.goAsync { try listener.accept() }
      expectThrows(TimeoutError.self) { try listener.acceptOp().orTimeout(after: .milliseconds(5)).perform() }
      first.close()
      _ = try third.wait()
      withExtendedLifetime((second, clients)) {}
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: World.all)
  func aListenerWithALimitWaitsForItsFirstConnection(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0, limit: 1)
      let accepted = nursery.goAsync { try listener.accept().remoteAddress }
      // The accept parks; it does not poll in a loop.
      waitUntilAllParked()
      let client = try TCPStream.connect(to: listener.address)
      expectEqual(try accepted.wait(), client.localAddress)
    }
  }

  @Test(arguments: World.all) func severalFibersAcceptAndNoConnectionIsForgotten(world: World) throws {
    let accepted = Counter()
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      for _ in 0..<4 {
        nursery.goAsync(daemon: true) {
          while true {
            try listener.accept().writeAll("x")
            accepted.add()
          }
        }
      }
      for _ in 0..<50 {
        try withNursery { clients in
          for _ in 0..<4 {
            clients.goAsync {
              expectEqual(try TCPStream.connect(to: listener.address).read(upTo: 1), Array("x".utf8))
            }
          }
        }
      }
    }
    #expect(accepted.value == 200)
  }

  @Test func errorsNameTheAddress() throws {
    try runFibers {
      let listener = try TCPListener(port: 0)
      let inUse = expectThrows(SystemError.self) { try TCPListener(port: listener.port) }
      #expect(inUse?.description == "could not listen on 127.0.0.1:\(listener.port): Address already in use (98)")
      let address = listener.address
      listener.close()
      let refused = expectThrows(SystemError.self) { try TCPStream.connect(to: address) }
      #expect(refused?.description == "could not connect to \(address): Connection refused (111)")
    }
  }

  @Test func aClosedStreamHasNoAddressNotItsSuccessors() throws {
    try runFibers {
      let (client, _) = try connectedStreams()
      client.close()
      let successors = try (0..<4).map { _ in try TCPListener(port: 0) }
      #expect(client.localAddress == .unnamed)
      withExtendedLifetime(successors) {}
    }
  }

  @Test func versionSixWorksToo() throws {
    try runFibers {
      guard let listener = try? TCPListener(.loopbackV6, port: 0) else { return }
      let client = try TCPStream.connect(to: listener.address)
      let server = try listener.accept()
      #expect(server.remoteAddress == client.localAddress)
      #expect(client.description == "the TCP stream to [::1]:\(listener.port)")
      try server.writeAll("six")
      expectEqual(try client.read(upTo: 10), Array("six".utf8))
    }
  }

  @Test func aPlainThreadReadsAndWritesToo() throws {
    let (client, server) = try connectedStreams()
    let thread = PlainThread { try server.read(upTo: 10) }
    try client.writeAll("hello")
    #expect(try thread.join() == Array("hello".utf8))
    // Streams that were made outside any scheduler are used in two schedulers, one after another.
    for _ in 0..<2 {
      try runFibers {
        goAsync { try client.writeAll("again") }
        expectEqual(try server.read(upTo: 10), Array("again".utf8))
      }
    }
  }
}
