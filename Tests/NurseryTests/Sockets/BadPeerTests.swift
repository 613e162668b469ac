import Nursery
import Testing

struct BadPeerTests {
  /// Closes with a reset.
  private var resetting: SocketOptions {
    var options = SocketOptions()
    options.linger = 0
    return options
  }

  @Test(arguments: World.all) func aResetIsAnErrorForTheReader(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams(resetting)
      let reader = nursery.goAsync { () -> String in
        do { return "\(try server.read(upTo: 1))" } catch { return "\(error)" }
      }
      try sleep(for: .milliseconds(2))
      client.close()
      expectEqual(
        try reader.wait(), "could not read from \(server): Connection reset by peer (104)")
    }
  }

  @Test(arguments: World.all) func aResetIsAnErrorForTheWriter(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams(resetting)
      let writer = nursery.goAsync { () -> Bool in
        let bytes = pattern(100_000)
        do { while true { try server.writeAll(bytes) } } catch is SystemError { return true }
      }
      try sleep(for: .milliseconds(2))
      client.close()
      expectEqual(try writer.wait(), true)
    }
  }

  @Test(arguments: World.all) func aStreamThatThePeerResetsDoesNotReadAsEnded(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams()
      try client.writeAll("half of")
      expectEqual(try server.read(upTo: 100), Array("half of".utf8))
      client.reset()
      #expect(client.isClosed)
      client.reset()
      expectThrows(SystemError(code: 104, action: "read from \(server)")) { try server.read(upTo: 100) }
    }
  }

  @Test(arguments: World.all) func aPeerThatNeverReadsStopsItsWriterAndNoOther(world: World) throws {
    try world.run { nursery in
      let (deaf, server) = try connectedStreams()
      let (client, other) = try connectedStreams()
      let written = Counter()
      let bytes = pattern(65_536)
      nursery.goAsync(daemon: true) {
        // When the body has returned, the peer may be closed before this fiber is cancelled.
        do { while true { written.add(try server.write(bytes)) } } catch is SystemError {}
      }
      try sleep(for: .milliseconds(20))
      let before = written.value
      for _ in 0..<100 {
        try client.writeAll("x")
        expectEqual(try other.read(upTo: 1), Array("x".utf8))
      }
      expectEqual(written.value, before)
      withExtendedLifetime(deaf) {}
    }
  }

  @Test(arguments: World.all) func bytesThatComeOneByOneAreAllRead(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams()
      let bytes = pattern(2000)
      nursery.goAsync {
        for byte in bytes {
          try client.writeAll([byte])
          if byte % 16 == 0 { Fiber.yield() }
        }
        try client.closeWriting()
      }
      expectEqual(try server.readToEnd(), bytes)
    }
  }

  @Test(arguments: World.all) func aPeerThatClosesItsOutputIsStillAnswered(world: World) throws {
    try world.run { nursery in
      let (client, server) = try connectedStreams()
      try client.writeAll("question")
      try client.closeWriting()
      expectEqual(try server.readToEnd(), Array("question".utf8))
      try server.writeAll("answer")
      server.close()
      expectEqual(try client.readToEnd(), Array("answer".utf8))
      expectThrows(SystemError.self) { try client.write([1]) }
    }
  }
}
