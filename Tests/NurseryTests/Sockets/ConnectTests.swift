import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct ConnectTests {
  @Test func addressesOfBothVersionsTakeTurns() {
    let four = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map { IPAddress($0)! }
    let six = [IPAddress("2001:db8::1")!]
    #expect(TCPStream.inTurns(four + six) == [six[0], four[0], four[1], four[2]])
    #expect(TCPStream.inTurns([]) == [])
  }

  @Test(arguments: World.all) func aHostIsConnectedToByItsName(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      // Its other address, if it has one, refuses.
      let client = try TCPStream.connect(host: "localhost", port: listener.port)
      let server = try listener.accept()
      expectEqual(server.remoteAddress, client.localAddress)
      expectThrows(ResolveError.self) { try TCPStream.connect(host: "no such host", port: 1) }
    }
  }

  @Test(arguments: World.all) func anAddressThatRefusesGivesWayToTheNextAtOnce(world: World) throws {
    try world.run { nursery in
      let closed = try TCPListener(port: 0)
      closed.close()
      let listener = try TCPListener(port: 0)
      _ = try TCPStream.connect(toFirstOf: [closed.address, listener.address], SocketOptions())
      let error = expectThrows(SystemError.self) {
        try TCPStream.connect(toFirstOf: [closed.address, closed.address], SocketOptions())
      }
      expectEqual(error?.code, 111)
    }
  }

  /// A listener that accepts nobody, whose queue is full: what the kernel does not answer looks like a host that is down.
  @Test func anAddressThatDoesNotAnswerIsOvertaken() throws {
    try runFibers {
      let deaf = try TCPListener(port: 0, backlog: 0)
      var queued: [TCPStream] = []
      while let stream = try? TCPStream.connectOp(to: deaf.address).orTimeout(after: .milliseconds(50)).perform() {
        queued.append(stream)
      }
      let listener = try TCPListener(port: 0)
      let stream = try TCPStream.connect(toFirstOf: [deaf.address, listener.address], SocketOptions())
      expectEqual(stream.remoteAddress, listener.address)
    }
  }

  /// Each of them for a quarter of a second would be too long by far.
  @Test func addressesThatFailAtOnceDoNotHoldUpTheNext() throws {
    try runFibers {
      let deaf = try TCPListener(port: 0, backlog: 0)
      let queued = try (0..<4).map { _ in try Connector.begin(deaf.address, SocketOptions()) }
      let listener = try TCPListener(port: 0)
      let impossible = [SocketAddress](repeating: .unix(path: String(repeating: "x", count: 200)), count: 400)
      let stream = try withTimeout(.seconds(20)) {
        try TCPStream.connect(toFirstOf: [deaf.address] + impossible + [listener.address], SocketOptions())
      }
      expectEqual(stream.remoteAddress, listener.address)
      withExtendedLifetime(queued) {}
    }
  }

  @Test(
    .disabled(
      if: isSanitized, "with so few descriptors the address sanitizer ends the process with a status of its own"))
  func aConnectThatCannotWaitLeavesNoDescriptor() async {
    await #expect(processExitsWith: .success) { try Scene.aConnectThatCannotWaitLeavesNoDescriptor() }
  }

  @Test(arguments: World.all) func aConnectThatIsGivenUpLeavesNoDescriptor(world: World) throws {
    try world.run { nursery in
      let deaf = try TCPListener(port: 0, backlog: 0)
      var queued: [TCPStream] = []
      while let stream = try? TCPStream.connectOp(to: deaf.address).orTimeout(after: .milliseconds(20)).perform() {
        queued.append(stream)
      }
      // The lowest free number is the next one's, so a number that is left over would show.
      let number = try PipeStream.pair().reader.fileDescriptor
      for _ in 0..<20 {
        _ = try? TCPStream.connectOp(to: deaf.address).orTimeout(after: .milliseconds(1)).perform()
      }
      // Other tests open and close descriptors at the same time.
      #expect(try PipeStream.pair().reader.fileDescriptor < number + 20)
    }
  }
}

/// What the process does; closures inside those of the macro are mixed up by some compilers (Swift 6.3.1).
private enum Scene {
  static func aConnectThatCannotWaitLeavesNoDescriptor() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let deaf = try TCPListener(port: 0, backlog: 0)
      let queued = try (0..<4).map { _ in try Connector.begin(deaf.address, SocketOptions()) }
      // One number is left, for the socket, and none for what would watch it.
      let last = dup(0)
      close(last)
      var limit = rlimit()
      getrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = numericCast(last + 1)
      setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
      let error = expectThrows(SystemError.self) { try TCPStream.connect(to: deaf.address) }
      expectEqual(error?.code, EMFILE)
      expectEqual(error?.action.hasPrefix("make an"), true)
      expectEqual(dup(0), last)
      withExtendedLifetime(queued) {}
    }
  }
}
