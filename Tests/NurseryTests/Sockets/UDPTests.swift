import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct UDPTests {
  @Test(arguments: World.all) func datagramsKeepTheirBoundsAndTellTheirSender(world: World) throws {
    try world.run { nursery in
      let left = try UDPSocket(.loopback)
      let right = try UDPSocket(.loopback)
      let receiver = nursery.goAsync { try (0..<3).map { _ in try right.receive() } }
      for text in ["one", "", "three"] { try left.send(Array(text.utf8), to: right.address) }
      let received = try receiver.wait()
      expectEqual(received.map { String(decoding: $0.bytes, as: UTF8.self) }, ["one", "", "three"])
      expectEqual(Set(received.map(\.sender)), [left.address])
      try right.send([1, 2, 3, 4], to: left.address)
      let cut = try left.receive(upTo: 2)
      expectEqual(cut.bytes, [1, 2])
      #expect(cut.isTruncated)
    }
  }

  @Test(arguments: World.all) func aConnectedSocketGetsTheErrorOfAClosedPort(world: World) throws {
    try world.run { nursery in
      let gone = try UDPSocket(.loopback)
      let address = gone.address
      gone.close()
      let socket = try UDPSocket(.loopback)
      try socket.connect(to: address)
      try socket.send([1])
      let error = expectThrows(SystemError.self) {
        try socket.receiveOp().orTimeout(after: .seconds(20)).perform()
      }
      #expect(error?.code == 111)
      expectThrows(SystemError.self) { try socket.send(pattern(70_000)) }
    }
  }

  @Test func anUnboundSocketMaySendAnywhere() throws {
    try runFibers {
      let socket = try UDPSocket()
      expectEqual(socket.address.ip, .any)
      // Without a network, the error says so.
      do { try socket.send([1], to: .ip(IPAddress("192.0.2.1")!, port: 9)) } catch let error as SystemError {
        expectEqual(error.code == EINVAL, false)
      }
      let other = try UDPSocket(.loopback)
      try socket.send([2], to: other.address)
      expectEqual(try other.receive().sender, .ip(.loopback, port: try #require(socket.address.port)))
    }
  }

  @Test func aShortDatagramTakesLittleMemory() throws {
    try runFibers {
      let (left, right) = (try UDPSocket(.loopback), try UDPSocket(.loopback))
      try left.send([1, 2, 3], to: right.address)
      let datagram = try right.receive()
      expectEqual(datagram.bytes, [1, 2, 3])
      #expect(datagram.bytes.capacity < 512)
    }
  }

  @Test(arguments: World.all) func aReceiveThatTimesOutTakesNothing(world: World) throws {
    try world.run { nursery in
      let socket = try UDPSocket(.loopback)
      expectThrows(TimeoutError.self) { try socket.receiveOp().orTimeout(after: .milliseconds(2)).perform() }
      let other = try UDPSocket(.loopback)
      try other.send([9], to: socket.address)
      expectEqual(try socket.receive().bytes, [9])
      socket.close()
      expectThrows(StreamClosedError.self) { try socket.receive() }
    }
  }
}
