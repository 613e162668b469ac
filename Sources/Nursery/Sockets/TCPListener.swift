/// Accepts TCP connections.
///
///     try TCPListener(port: 7).serve { connection in try copy(from: connection, to: connection) }
public typealias TCPListener = Listener<TCPStream>

extension Listener where Stream == TCPStream {
  /// Listens on a port of an address; connections are queued from now on.
  ///
  /// - Parameters:
  ///   - host: one of this machine's addresses; only this machine can connect to `.loopback`, other machines also to
  ///     `.any` and `.anyV6`.
  ///   - port: 0 for a free port; see `address`.
  ///   - backlog: how many connections the kernel queues before they are accepted.
  ///   - limit: how many accepted connections may be open at once; at the limit, accepting waits until one is closed.
  ///     Nil for any number.
  /// - Throws: `SystemError` if the port is in use or not allowed, or no descriptor is left.
  public convenience init(
    _ host: IPAddress = .loopback, port: UInt16, backlog: Int = 1024, limit: Int? = nil,
    options: SocketOptions = SocketOptions()
  ) throws {
    self.init(try Acceptor(.ip(host, port: port), backlog: backlog, limit: limit, options))
  }

  /// The port on which it listens.
  public var port: UInt16 { address.port! }
}
