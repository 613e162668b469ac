import Nursery
import Testing

struct UDPTests {
  @Test(arguments: World.all) func datagramsKeepTheirBoundsAndTellTheirSender(world: World) throws {
    try world.run { nursery in
      let left = try UDPSocket()
      let right = try UDPSocket()
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

  @Test(arguments: World.all) func aConnectedSocketHearsOfNobodyListening(world: World) throws {
    try world.run { nursery in
      let gone = try UDPSocket()
      let address = gone.address
      gone.close()
      let socket = try UDPSocket()
      try socket.connect(to: address)
      try socket.send([1])
      let error = expectThrows(SystemError.self) {
        try socket.receiveOp().orTimeout(after: .seconds(20)).perform()
      }
      #expect(error?.code == 111)
      expectThrows(SystemError.self) { try socket.send(pattern(70_000)) }
    }
  }

  @Test(arguments: World.all) func aReceiveThatTimesOutTakesNothing(world: World) throws {
    try world.run { nursery in
      let socket = try UDPSocket()
      expectThrows(TimeoutError.self) { try socket.receiveOp().orTimeout(after: .milliseconds(2)).perform() }
      let other = try UDPSocket()
      try other.send([9], to: socket.address)
      expectEqual(try socket.receive().bytes, [9])
      socket.close()
      expectThrows(StreamClosedError.self) { try socket.receive() }
    }
  }
}
