/// Accepts connections of processes on this machine.
///
/// Closing it removes its path, unless the path has become another file. If the nursery closes it, the path is removed
/// with the last reference.
public typealias UnixListener = Listener<UnixStream>

extension Listener where Stream == UnixStream {
  /// Listens on a path, where a socket file is made; connections are queued from now on.
  ///
  /// - Parameters:
  ///   - path: at most 107 bytes. A socket without a listener, left by a process that has crashed, is replaced.
  ///   - backlog: how many connections the kernel queues before they are accepted.
  ///   - limit: how many accepted connections may be open at once; at the limit, accepting waits until one is closed.
  ///     Nil for any number.
  /// - Throws: `SystemError` if the path is in use (also by a file that is no socket), not allowed or too long, or if
  ///   no descriptor is left.
  public convenience init(
    path: String, backlog: Int = 1024, limit: Int? = nil, options: SocketOptions = SocketOptions()
  ) throws {
    if options.reusesAddress { try removeIfAbandoned(path) }
    self.init(try Acceptor(.unix(path: path), backlog: backlog, limit: limit, options))
  }

  /// Listens on a name in Linux's abstract namespace.
  ///
  /// - Throws: `SystemError` if the name is in use or too long, or no descriptor is left.
  public convenience init(
    abstractName name: String, backlog: Int = 1024, limit: Int? = nil, options: SocketOptions = SocketOptions()
  ) throws {
    self.init(try Acceptor(.abstract(name: name), backlog: backlog, limit: limit, options))
  }
}

/// Removes a socket without a listener, which a process that has crashed leaves.
///
/// - Parameters:
///   - action: "listen on", for the error.
///   - isOfUser: whether the sockets of other users stay.
func removeIfAbandoned(_ path: String, toBeAbleTo action: String = "listen on", isOfUser: Bool = false) throws {
  let raw = try SocketAddress.unix(path: path).checkedRaw()
  guard let found = System.status(at: path) else { return }
  // Connecting to a file that is no socket is refused in the same way.
  guard found.isSocket else {
    throw SystemError(
      code: System.addressInUse,
      action: "\(action) \(path): there is something that is no socket; remove it, or choose another path")
  }
  if isOfUser, found.owner != System.user {
    throw SystemError(
      code: System.addressInUse, action: "\(action) \(path): the socket there is another user's; choose another path")
  }
  let probe = try checked("make a socket", System.socket(.unix, .stream))
  defer { System.close(probe) }
  // A live listener accepts or has a full queue; both mean that the path is in use.
  if System.connect(probe, raw) == -System.connectionRefused { System.unlink(path) }
}
