/// The listening socket of a console.
final class ConsoleSocket: Sendable {
  let descriptor: Int32
  private let path: String
  private let identity: SIMD2<UInt64>?
  private let user = System.user

  init(_ path: String) throws {
    try removeIfAbandoned(path, toBeAbleTo: "open a console at", isOfUser: true)
    let address = try SocketAddress.unix(path: path).checkedRaw()
    descriptor = try checked("make a socket for a console", System.socket(.unix, .stream))
    // The process may change its directory.
    self.path = System.absolutePath(path)
    let bound = System.bindPrivately(descriptor, address)
    let result = bound < 0 ? bound : System.listen(descriptor, backlog: 8)
    identity = bound < 0 ? nil : System.status(at: path)?.identity
    if result < 0 {
      close()
      let hint = -result == System.addressInUse ? ": another program listens there; choose another path" : ""
      throw SystemError(code: -result, action: "open a console at \(path)\(hint)")
    }
  }

  /// Removes the socket's file, unless the path has become another's.
  func close() {
    if let identity, System.status(at: path)?.identity == identity { System.unlink(path) }
    System.close(descriptor)
  }

  /// A connection that waits, or -errno.
  func accept() -> Int32 {
    var peer = RawAddress()
    return System.accept(descriptor, &peer)
  }

  /// Whether the client may be answered: it must run as the user of this process, or as root.
  func admits(_ connection: Int32) -> Bool {
    let peer = System.peerUser(connection)
    return peer == 0 || peer == user
  }
}
