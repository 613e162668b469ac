import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Serves any number of clients from one cache.
package final class Server: Sendable {
  /// Clients choose their commands by it.
  ///
  /// All commands here have existed since that version of memcached; later versions accept words after `version` and
  /// `quit`, which this server does not.
  static let version = "1.5.3"

  let options: Options
  let clock: ServerClock
  /// The largest value, in bytes.
  let valueLimit: Int
  package let cache: Locked<Cache>

  package init(_ options: Options = Options(), clock: ServerClock = ServerClock()) {
    self.options = options
    self.clock = clock
    let cache = Cache(memoryLimit: options.memoryLimit, valueLimit: options.valueLimit)
    valueLimit = cache.valueLimit
    self.cache = Locked(cache)
  }

  /// Serves all clients, until the listener is closed or the scope is cancelled.
  ///
  /// When it is asked to drain, it accepts no further client, and closes each connection when the current command has
  /// been answered.
  package func serve(_ listener: TCPListener) throws {
    try listener.serve { connection in try self.serve(connection, connection) }
  }

  /// Serves one client, until it says `quit`, its input ends, or it has been silent for too long.
  ///
  /// A broken connection ends only this client.
  ///
  /// - Throws: `CancellationError`.
  package func serve(_ input: any ReadableStream, _ output: any WritableStream) throws {
    cache.withLock {
      $0.statistics.connections += 1
      $0.statistics.openConnections += 1
    }
    defer { cache.withLock { $0.statistics.openConnections -= 1 } }
    func converse(_ input: any ReadableStream) throws {
      var session = Session(self, input, output)
      try session.run()
    }
    do {
      guard let idleTimeout = options.idleTimeout else { return try converse(input) }
      // A watchdog: one timer for a connection, moved whenever bytes come. So a long value on a slow line does not
      // count as silence.
      try withCancelScope(deadline: FiberClock.now + idleTimeout) { silence in
        try converse(HeardStream(input) { silence.deadline = FiberClock.now + idleTimeout })
      }
    } catch let error as CancellationError {
      throw error
    } catch {
      // The client has closed the connection, or stopped in the middle of a value; that is no error of the server.
    }
  }

  /// The answer to `stats`; empty for a group of figures that this server does not have.
  func report(_ name: String) -> String {
    switch name {
    case "":
      let (statistics, count, memory) = cache.withLock {
        $0.flushIfDue(FiberClock.now)
        return ($0.statistics, $0.count, $0.memory)
      }
      let own = [
        ("pid", Int(getpid())), ("uptime", clock.uptime), ("time", clock.unixTime), ("pointer_size", Int.bitWidth),
        ("curr_items", count), ("bytes", memory), ("limit_maxbytes", options.memoryLimit),
      ]
      let lines = (own + statistics.report).map { "STAT \($0.0) \($0.1)\r\n" }
      return "STAT version \(Self.version)\r\n\(lines.joined())END\r\n"
    case "reset":
      cache.withLock { $0.statistics.reset() }
      return "RESET\r\n"
    case "items", "slabs", "sizes": return "END\r\n"
    case "settings":
      return """
        STAT maxbytes \(options.memoryLimit)\r
        STAT maxconns \(options.connectionLimit)\r
        STAT tcpport \(options.port)\r
        STAT item_size_max \(valueLimit)\r
        END\r

        """
    default: return Mistake.unknown.rawValue
    }
  }
}
