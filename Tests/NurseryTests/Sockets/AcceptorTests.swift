import Testing

@testable import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct AcceptorTests {
  @Test func aLoopThatAnErrorEndsReportsIt() throws {
    let reported = Log<SystemError>()
    let configuration = Configuration(
      parallelism: 1, onSuppressedError: { error in if let error = error as? SystemError { reported.append(error) } })
    try runFibers(configuration) {
      let listener = try TCPListener(port: 0)
      // Accepting is an error from now on.
      expectEqual(shutdown(listener.fileDescriptor, numericCast(SHUT_RD)), 0)
      for _ in listener { Issue.record("no client connects") }
      expectEqual(
        reported.entries, [SystemError(code: EINVAL, action: "accept a connection on \(listener.address)")])
      // Ordinary endings are not.
      listener.close()
      for _ in listener { Issue.record("no client connects") }
      try withCancelScope { scope in
        scope.cancel()
        for _ in try TCPListener(port: 0) { Issue.record("no client connects") }
      }
      expectEqual(reported.entries.count, 1)
    }
  }

  /// The pollers are many more than there are processors, so some are interrupted in the middle of a poll.
  @Test(.timeLimit(.minutes(5))) func aPollAtTheLimitLosesNoConnection() throws {
    let listener = try TCPListener(port: 0, limit: 1)
    let accepted = Channel<TCPStream>(.bounded(1))
    let isQuiet = Guarded(false)
    let isOver = Guarded(false)
    let pollers = (0..<6).map { _ in
      PlainThread {
        while !isOver.withLock({ $0 }) {
          if isQuiet.withLock({ $0 }) {
            sched_yield()
          } else if let stream = try listener.acceptOp().poll() {
            try accepted.send(stream)
          }
        }
      }
    }
    defer {
      isOver.withLock { $0 = true }
      for poller in pollers { try? poller.join() }
    }
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        nursery.goAsync(daemon: true) { while true { try accepted.send(try listener.accept()) } }
        var clients = [try TCPStream.connect(to: listener.address)]
        for _ in 0..<300 {
          let open = try accepted.receiveOp().orTimeout(after: .seconds(20)).perform()
          isQuiet.withLock { $0 = false }
          clients.append(try TCPStream.connect(to: listener.address))
          try sleep(for: .microseconds(100))
          isQuiet.withLock { $0 = true }
          open.close()
          clients.removeFirst()
        }
      }
    }
  }

  @Test(arguments: World.all) func aWaiterAtTheLimitGetsAnErrorWhenTheListenerIsClosed(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0, limit: 1)
      let client = try TCPStream.connect(to: listener.address)
      let open = try listener.accept()
      let waiting = nursery.goAsync { () -> Bool in
        do { _ = try listener.acceptOp().orTimeout(after: .seconds(20)).perform() } catch is StreamClosedError {
          return true
        }
        return false
      }
      waitUntilAllParked()
      listener.close()
      expectEqual(try waiting.wait(), true)
      withExtendedLifetime((client, open)) {}
    }
  }

  @Test func anErrorOfOneConnectionDoesNotEndTheListener() {
    // As accept(2) lists them.
    for code in [ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP] {
      #expect(System.isOfOneConnection(code))
    }
    for code in [EINVAL, EBADF, EMFILE, EPERM] { #expect(!System.isOfOneConnection(code)) }
  }
}
