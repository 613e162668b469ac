/// The address of a socket or of its peer.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// An internet address and a port.
  case ip(IPAddress, port: UInt16)
  /// A socket in the file system; calls throw if the path is empty or contains a zero byte.
  case unix(path: String)
  /// A socket in Linux's abstract namespace, which has no file and disappears with its last user.
  case abstract(name: String)
  /// A Unix socket without a name: the connecting side.
  case unnamed

  /// Parses a numeric address; nil if it is none.
  public init?(_ address: String, port: UInt16) {
    guard let address = IPAddress(address) else { return nil }
    self = .ip(address, port: port)
  }

  /// The internet address, if it is one.
  public var ip: IPAddress? { if case .ip(let address, _) = self { address } else { nil } }

  /// The port of an internet address.
  public var port: UInt16? { if case .ip(_, let port) = self { port } else { nil } }

  /// "127.0.0.1:80", "[::1]:80", "/run/server.sock", "@name".
  public var description: String {
    switch self {
    case .ip(let address, let port): address.isV6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    case .unix(let path): path
    case .abstract(let name): "@\(name)"
    case .unnamed: "an unnamed socket"
    }
  }
}

extension SocketAddress {
  package init(_ raw: RawAddress) {
    if let internet = raw.internet {
      self = .ip(IPAddress(bytes: internet.bytes, scope: internet.scope)!, port: internet.port)
      return
    }
    let path = raw.path
    self =
      switch path.first {
      case nil: .unnamed
      case 0: .abstract(name: String(decoding: path.dropFirst(), as: UTF8.self))
      default: .unix(path: String(decoding: path, as: UTF8.self))
      }
  }

  /// In the system's layout; an invalid address gives an empty one, see `checkedRaw`.
  package var raw: RawAddress { (try? checkedRaw()) ?? RawAddress() }

  /// In the system's layout.
  ///
  /// - Throws: `SystemError` for a path or name that does not fit into an address, an empty path, or one with a zero
  ///   byte.
  package func checkedRaw() throws(SystemError) -> RawAddress {
    var raw = RawAddress()
    switch self {
    case .ip(let address, let port): raw = RawAddress(address.bytes, port: port, scope: address.scope)
    case .unix(let path):
      // The kernel would take the path for a name without a file, or for a shorter path.
      if path.isEmpty || path.utf8.contains(0) {
        throw SystemError(
          code: System.invalidArgument,
          action: "use the path \(path.debugDescription) for a socket, which is empty or has a zero byte; "
            + "write .abstract(name:) for one without a file")
      }
      try checked("use the path \(path) for a socket", raw.setPath(Array(path.utf8)))
    case .abstract(let name):
      try checked("use the name \(name) for a socket", raw.setPath([0] + Array(name.utf8)))
    case .unnamed: break
    }
    return raw
  }

  package var family: SocketFamily {
    guard case .ip(let address, _) = self else { return .unix }
    return address.isV6 ? .v6 : .v4
  }
}
