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
      // The host's other address, if it has one, refuses.
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

  /// If a listener's queue is full, the kernel does not answer, as if the host were down.
  @Test func anAddressThatDoesNotAnswerDoesNotDelayTheNext() throws {
    try runFibers {
      let deaf = try TCPListener(port: 0, backlog: 0)
      let queued = try fillQueue(of: deaf)
      let listener = try TCPListener(port: 0)
      let stream = try TCPStream.connect(toFirstOf: [deaf.address, listener.address], SocketOptions())
      expectEqual(stream.remoteAddress, listener.address)
      withExtendedLifetime(queued) {}
    }
  }

  /// A quarter of a second for each would be far too long.
  @Test func addressesThatFailAtOnceDoNotDelayTheNext() throws {
    try runFibers {
      let deaf = try TCPListener(port: 0, backlog: 0)
      let queued = try fillQueue(of: deaf)
      let listener = try TCPListener(port: 0)
      let impossible = [SocketAddress](repeating: .unix(path: String(repeating: "x", count: 200)), count: 400)
      let stream = try withTimeout(.seconds(20)) {
        try TCPStream.connect(toFirstOf: [deaf.address] + impossible + [listener.address], SocketOptions())
      }
      expectEqual(stream.remoteAddress, listener.address)
      withExtendedLifetime(queued) {}
    }
  }

  @Test func aConnectThatCannotWaitLeavesNoDescriptor() async {
    await #expect(processExitsWith: .success) { try Scene.aConnectThatCannotWaitLeavesNoDescriptor() }
  }

  @Test(arguments: World.all) func anAbandonedConnectLeavesNoDescriptor(world: World) throws {
    try world.run { nursery in
      let deaf = try TCPListener(port: 0, backlog: 0)
      var queued: [TCPStream] = []
      while let stream = try? TCPStream.connectOp(to: deaf.address).orTimeout(after: .milliseconds(20)).perform() {
        queued.append(stream)
      }
      // The next descriptor gets the lowest free number, so leaked descriptors show.
      let number = try PipeStream.pair().reader.fileDescriptor
      for _ in 0..<20 {
        _ = try? TCPStream.connectOp(to: deaf.address).orTimeout(after: .milliseconds(1)).perform()
      }
      // Other tests open and close descriptors at the same time.
      #expect(try PipeStream.pair().reader.fileDescriptor < number + 20)
    }
  }
}

/// Connects to a listener until it does not answer.
///
/// The number of connects depends on the kernel: if it handles packets late, it answers several before it counts the
/// first.
private func fillQueue(of listener: TCPListener) throws -> [Descriptor] {
  var queued: [Descriptor] = []
  while true {
    let descriptor = try Connector.begin(listener.address, SocketOptions())
    queued.append(descriptor)
    var request = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
    if poll(&request, 1, 100) == 0 { return queued }
  }
}

/// The body of the process.
///
/// Not a closure inside the macro's, which some compilers confuse (Swift 6.3.1).
private enum Scene {
  static func aConnectThatCannotWaitLeavesNoDescriptor() throws {
    // Made outside, because otherwise the scheduler would already have a reactor.
    let deaf = try TCPListener(port: 0, backlog: 0)
    let queued = try fillQueue(of: deaf)
    try runFibers(Configuration(parallelism: 1)) {
      // One number is left for the socket, and none for the reactor.
      let last = dup(0)
      close(last)
      var limit = rlimit()
      getrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
      let before = limit
      limit.rlim_cur = numericCast(last + 1)
      setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
      let error = expectThrows(SystemError.self) { try TCPStream.connect(to: deaf.address) }
      expectEqual(error?.code, EMFILE)
      expectEqual(error?.action.hasPrefix("make an"), true)
      expectEqual(dup(0), last)
      // The leak sanitizer opens files at the end of the process, and fails if it cannot.
      limit = before
      setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
      withExtendedLifetime(queued) {}
    }
  }
}
