import CSwitch

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
    self = withUnsafePointer(to: raw) { raw in
      switch cs_address_family(raw) {
      case Int32(CS_FAMILY_V4), Int32(CS_FAMILY_V6): Self.readIP(raw)
      default: Self.readPath(raw)
      }
    }
  }

  private static func readIP(_ raw: UnsafePointer<RawAddress>) -> SocketAddress {
    var port: UInt16 = 0
    var scope: UInt32 = 0
    let count = cs_address_family(raw) == Int32(CS_FAMILY_V4) ? 4 : 16
    let bytes = [UInt8](unsafeUninitializedCapacity: 16) { buffer, initialized in
      cs_address_ip(raw, buffer.baseAddress!, &port, &scope)
      initialized = count
    }
    return .ip(IPAddress(bytes: bytes, scope: scope)!, port: port)
  }

  private static func readPath(_ raw: UnsafePointer<RawAddress>) -> SocketAddress {
    let bytes = [UInt8](unsafeUninitializedCapacity: 128) { buffer, initialized in
      initialized = cs_address_path(raw, buffer.baseAddress!)
    }
    guard let first = bytes.first else { return .unnamed }
    return first == 0
      ? .abstract(name: String(decoding: bytes.dropFirst(), as: UTF8.self))
      : .unix(path: String(decoding: bytes, as: UTF8.self))
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
    case .ip(let address, let port):
      if address.isV6 {
        cs_address_v6(&raw, address.bytes, port, address.scope)
      } else {
        cs_address_v4(&raw, address.bytes, port)
      }
    case .unix(let path):
      // The kernel would take the path for a name without a file, or for a shorter path.
      if path.isEmpty || path.utf8.contains(0) {
        throw SystemError(
          code: System.invalidArgument,
          action: "use the path \(path.debugDescription) for a socket, which is empty or has a zero byte; "
            + "write .abstract(name:) for one without a file")
      }
      let bytes = Array(path.utf8)
      try checked("use the path \(path) for a socket", cs_address_unix(&raw, bytes, bytes.count))
    case .abstract(let name):
      let bytes = [0] + Array(name.utf8)
      try checked("use the name \(name) for a socket", cs_address_unix(&raw, bytes, bytes.count))
    case .unnamed: break
    }
    return raw
  }

  package var family: SocketFamily {
    guard case .ip(let address, _) = self else { return .unix }
    return address.isV6 ? .v6 : .v4
  }
}
