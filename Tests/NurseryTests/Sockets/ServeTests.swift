import Nursery
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite(.timeLimit(.minutes(2))) struct ServeTests {
  /// Starts a server in the nursery and waits until it accepts.
  private static func start<Stream: SocketStream>(
    _ listener: Listener<Stream>, in nursery: Nursery, limit: Int? = nil,
    _ handler: @escaping @Sendable (Stream) throws -> Void
  ) -> Fiber<Void> {
    nursery.goAsync("server") { try listener.serve(limit: limit, handler) }
  }

  @Test(arguments: World.all) func eachConnectionIsServedByAFiberOfItsOwnAndClosedWhenThatEnds(world: World) throws {
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      let server = Self.start(listener, in: nursery) { connection in try connection.writeAll(connection.read(upTo: 1)) }
      let clients = try (0..<4).map { _ in try TCPStream.connect(to: listener.address) }
      for (number, client) in clients.enumerated().reversed() {
        try client.writeAll([UInt8(number)])
        expectEqual(try client.readToEnd(), [UInt8(number)])
      }
      listener.close()
      try server.wait()
    }
  }

  @Test func aUnixListenerServesInTheSameWay() throws {
    try runFibers {
      try withNursery { nursery in
        let listener = try UnixListener(abstractName: "nursery-serve-\(getpid())")
        let server = Self.start(listener, in: nursery) { connection in try connection.writeAll("hello") }
        expectEqual(try UnixStream.connect(to: listener.address).readToEnd(), Array("hello".utf8))
        listener.close()
        try server.wait()
      }
    }
  }

  @Test func anErrorOfAHandlerIsReportedAndEndsNoOtherHandler() throws {
    let suppressed = Log<Oops>()
    let configuration = Configuration(
      parallelism: 1, onSuppressedError: { error in if let error = error as? Oops { suppressed.append(error) } })
    let handled = Log<Oops>()
    try runFibers(configuration) {
      for reports in [false, true] {
        try withNursery { nursery in
          let listener = try TCPListener(port: 0)
          let handler: @Sendable (TCPStream) throws -> Void = { connection in
            if try connection.read(upTo: 1) == [0] { throw Oops(7) }
            try connection.writeAll([1])
          }
          let server = nursery.goAsync {
            if !reports { return try listener.serve(handler) }
            try listener.serve(
              onError: { error, connection in
                #expect(!connection.isClosed)
                handled.append(error as! Oops)
              }, handler)
          }
          let (good, bad) = (
            try TCPStream.connect(to: listener.address), try TCPStream.connect(to: listener.address)
          )
          try bad.writeAll([0])
          expectEqual(try bad.readToEnd(), [])
          try good.writeAll([1])
          expectEqual(try good.readToEnd(), [1])
          listener.close()
          try server.wait()
        }
      }
    }
    #expect(suppressed.entries == [Oops(7)])
    #expect(handled.entries == [Oops(7)])
  }

  @Test func aHandlerThatIsCancelledAloneIsNotReportedAndEndsNoServer() throws {
    let suppressed = Counter()
    try runFibers(Configuration(parallelism: 1, onSuppressedError: { _ in suppressed.add() })) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        let server = Self.start(listener, in: nursery) { _ in throw CancellationError() }
        for _ in 0..<2 { expectEqual(try TCPStream.connect(to: listener.address).readToEnd(), []) }
        listener.close()
        try server.wait()
      }
    }
    #expect(suppressed.value == 0)
  }

  @Test(arguments: World.all) func aLimitBoundsTheHandlersAndLeavesTheOthersInTheQueue(world: World) throws {
    let (running, most) = (Counter(), Counter())
    try world.run { nursery in
      let listener = try TCPListener(port: 0)
      let server = Self.start(listener, in: nursery, limit: 2) { connection in
        most.add(max(0, running.add() - most.value))
        _ = try connection.read(upTo: 1)
        running.add(-1)
      }
      let clients = try (0..<6).map { _ in try TCPStream.connect(to: listener.address) }
      for client in clients {
        try client.writeAll([1])
        expectEqual(try client.readToEnd(), [])
      }
      listener.close()
      try server.wait()
    }
    #expect(most.value <= 2)
  }

  @Test func closingTheListenerEndsTheServerWhenItsHandlersHaveEnded() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        let server = Self.start(listener, in: nursery) { connection in
          // A handler may close it, too.
          listener.close()
          try connection.writeAll(connection.read(upTo: 1))
        }
        let client = try TCPStream.connect(to: listener.address)
        while !listener.isClosed { try sleep(for: .microseconds(100)) }
        waitUntilAllParked()
        #expect(!server.isFinished)
        try client.writeAll([7])
        expectEqual(try client.readToEnd(), [7])
        try server.wait()
      }
    }
  }

  @Test func aServerThatIsAskedToDrainAcceptsNoMoreAndWaitsForItsHandlers() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let listener = try TCPListener(port: 0)
      let clients = Channel<TCPStream>(.bounded(1))
      let isServed = Condition()
      try withNursery { outer in
        outer.goAsync {
          let client = try clients.receive()
          try isServed.wait()
          while !listener.isClosed { try sleep(for: .microseconds(100)) }
          expectThrows(SystemError.self) { try TCPStream.connect(to: listener.address) }
          try client.writeAll([7])
          expectEqual(try client.readToEnd(), [7])
        }
        try clients.send(TCPStream.connect(to: listener.address))
        try withNursery { nursery in
          nursery.goAsync {
            try isServed.wait()
            nursery.drain(grace: .seconds(60))
          }
          try listener.serve { connection in
            isServed.signal()
            try connection.writeAll(connection.read(upTo: 1))
          }
        }
      }
    }
  }

  @Test func aServerThatIsCancelledThrowsAndCancelsItsHandlers() throws {
    let cancelled = Counter()
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        for limit in [nil, 1] {
          let listener = try TCPListener(port: 0)
          let hasBegun = Condition()
          let server = Self.start(listener, in: nursery, limit: limit) { connection in
            hasBegun.signal()
            do { _ = try connection.read(upTo: 1) } catch let error as CancellationError {
              cancelled.add()
              throw error
            }
          }
          let client = try TCPStream.connect(to: listener.address)
          try hasBegun.wait()
          waitUntilAllParked()
          server.cancel()
          expectThrows(CancellationError.self) { try server.wait() }
          expectEqual(try client.readToEnd(), [])
          // Its nursery closes the listener, not the call.
          #expect(!listener.isClosed)
        }
      }
    }
    #expect(cancelled.value == 2)
  }

  @Test func anErrorOfTheListenerIsThrownWhenTheHandlersHaveEnded() throws {
    try runFibers(Configuration(parallelism: 1)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        let hasBegun = Condition()
        let server = nursery.goAsync {
          expectThrows(SystemError.self) {
            try listener.serve { connection in
              hasBegun.signal()
              try connection.writeAll(connection.read(upTo: 1))
            }
          }
        }
        let client = try TCPStream.connect(to: listener.address)
        try hasBegun.wait()
        // Accepting is an error from now on.
        expectEqual(shutdown(listener.fileDescriptor, numericCast(SHUT_RD)), 0)
        waitUntilAllParked()
        #expect(!server.isFinished)
        try client.writeAll([7])
        expectEqual(try client.readToEnd(), [7])
        #expect(
          try server.wait() == SystemError(code: EINVAL, action: "accept a connection on \(listener.address)"))
      }
    }
  }

  @Test func connectionsAreSpreadOverTheWorkersAndStayThere() throws {
    var places: Set<UInt> = []
    // On a busy machine a worker may be late, and its connections are taken over before they begin: then once more.
    for _ in 0..<100 where places.count < 2 { places = try Self.placesOfConnections() }
    #expect(places.count == 2)
  }

  private static func placesOfConnections() throws -> Set<UInt> {
    let places = Log<UInt>()
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0)
        let server = start(listener, in: nursery) { connection in
          var threads: Set<UInt> = []
          while let byte = try connection.read(upTo: 1).first {
            threads.insert(threadNumber())
            try connection.writeAll([byte])
          }
          expectEqual(threads.count, 1)
          places.append(threads.first!)
        }
        let clients = try (0..<8).map { _ in try TCPStream.connect(to: listener.address) }
        for round: UInt8 in 0..<20 {
          for client in clients {
            try client.writeAll([round])
            expectEqual(try client.read(upTo: 1), [round])
          }
        }
        for client in clients { client.close() }
        listener.close()
        try server.wait()
      }
    }
    return Set(places.entries)
  }

  @Test func aServerThatMayServeNoConnectionStopsTheProgram() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { try runFibers { try TCPListener(port: 0).serve(limit: 0) { _ in } } }
    }
    #expect(standardError(result).contains("serve(limit: 0): no handler could ever run; write 1 or more"))
  }
}
