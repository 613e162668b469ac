import Nursery

/// Passes bytes on between clients and a server.
///
/// Two copies per connection, one in each direction. Each side notices the end of the other:
///
/// - If a side ends its output, the proxy ends its output to the other side. The other direction goes on.
/// - If a side resets the connection, the proxy resets the other one, so that incomplete data is not mistaken for
///   complete data.
/// - If a side does not read, the proxy keeps 64 KiB, and stops reading from the other side.
///
/// An error of one connection does not affect others.
package struct Proxy: Sendable {
  private let host: String
  private let port: UInt16
  private let options: ProxyOptions
  private let report: @Sendable (String) -> Void

  /// Creates a proxy for a server; `report` is called for every failed connection.
  package init(
    to host: String, port: UInt16, _ options: ProxyOptions = ProxyOptions(),
    report: @escaping @Sendable (String) -> Void
  ) {
    self.host = host
    self.port = port
    self.options = options
    self.report = report
  }

  /// Serves all clients, until the listener is closed or the scope is cancelled.
  ///
  /// When it is asked to drain, it accepts no further connection, and returns when the open ones have ended.
  package func serve(_ listener: TCPListener) throws {
    try listener.serve(onError: { error, client in report("\(client.remoteAddress): \(error)") }) { client in
      try connect(client)
    }
  }

  private func connect(_ client: TCPStream) throws {
    let server: TCPStream
    do {
      server = try withTimeout(options.connectTimeout) { try TCPStream.connect(host: host, port: port) }
    } catch {
      client.reset()
      throw error
    }
    do {
      try relay(client, server)
    } catch is CancellationError {
      client.reset()
      server.reset()
      throw CancellationError()
    } catch {
      client.close()
      server.close()
      throw error
    }
    client.close()
    server.close()
  }

  /// Passes all bytes on, in both directions, until both have ended.
  private func relay(_ client: TCPStream, _ server: TCPStream) throws {
    let start = FiberClock.now
    let result: SystemError?? = try withCancelScope(deadline: options.idleTimeout.map { start + $0 }) { silence in
      try withNursery { directions in
        let up = Direction(from: client, to: server, options, silence)
        let down = Direction(from: server, to: client, options, silence)
        let upward = directions.goAsync("to the server") { try up.run(other: down) }
        let failure = try down.run(other: up)
        return try upward.wait() ?? failure
      }
    }
    if let failure = result {
      if let failure { throw failure }
      return
    }
    client.reset()
    server.reset()
    throw IdleError(limit: options.idleTimeout ?? .zero)
  }
}

/// No data has been sent on a connection for too long.
struct IdleError: Error, CustomStringConvertible {
  let limit: Duration

  var description: String { "no data has been sent for \(limit)" }
}
