extension FiberSnapshot.Target {
  /// "127.0.0.1:80 to 127.0.0.1:51234", "127.0.0.1:80" of a listener, "to /run/server.sock", "pipe:[4711]"; nil if the
  /// kernel has not told.
  var text: String? {
    switch self {
    case .unknown: return nil
    case .file(let name): return name.inOneLine
    case .socket(let local, let peer):
      let local = Self.text(local)
      guard let peer = Self.text(peer) else { return local ?? "an unnamed socket" }
      return local.map { "\($0) to \(peer)" } ?? "to \(peer)"
    }
  }

  /// Nil for an unnamed socket.
  private static func text(_ raw: RawAddress?) -> String? {
    guard let raw, raw.internet != nil || raw.isUnix else { return nil }
    let address = SocketAddress(raw)
    return address == .unnamed ? nil : address.description.inOneLine
  }

}

extension String {
  /// Quoted if it has control characters: a path may have any character.
  fileprivate var inOneLine: String {
    unicodeScalars.contains { $0.properties.generalCategory == .control } ? debugDescription : self
  }
}

extension ShownLocal {
  /// "request r-17", in one line.
  var text: String { "\(name) \(value.inOneLine)" }
}
