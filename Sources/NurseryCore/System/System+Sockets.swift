import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

package enum SocketFamily: Int32, Sendable {
  case v4 = 4
  case v6 = 6
  case unix = 1
}

package enum SocketKind: Int32, Sendable {
  case stream = 1
  case datagram = 2
}

package enum SocketOption: Sendable {
  case noDelay, reuseAddress, reusePort, keepAlive, v6Only, sendBuffer, receiveBuffer, broadcast
  /// Seconds; -1 for none.
  case linger

  fileprivate var raw: cs_option {
    switch self {
    case .noDelay: CS_NO_DELAY
    case .reuseAddress: CS_REUSE_ADDRESS
    case .reusePort: CS_REUSE_PORT
    case .keepAlive: CS_KEEP_ALIVE
    case .v6Only: CS_V6_ONLY
    case .sendBuffer: CS_SEND_BUFFER
    case .receiveBuffer: CS_RECEIVE_BUFFER
    case .broadcast: CS_BROADCAST
    case .linger: CS_LINGER
    }
  }
}

/// Every call returns -errno when it fails, and none waits.
extension System {
  package static let inProgress = EINPROGRESS
  package static let noAddress = EADDRNOTAVAIL
  package static let connectionRefused = ECONNREFUSED
  package static let messageTooLong = EMSGSIZE
  package static let addressInUse = EADDRINUSE
  /// No descriptors, buffers or memory are left: trying again later may help, trying at once does not.
  package static func isExhaustion(_ code: Int32) -> Bool {
    code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
  }

  /// Whether an error of accept(2) concerns only the connection it has taken from the queue: closed, or a network
  /// error.
  package static func isOfOneConnection(_ code: Int32) -> Bool {
    switch code {
    case ECONNABORTED, EPROTO, ENOPROTOOPT, EOPNOTSUPP: return true
    case ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH: return true
    default:
      #if os(Linux)
        return code == ENONET
      #else
        return false
      #endif
    }
  }

  package static func socket(_ family: SocketFamily, _ kind: SocketKind) -> Int32 {
    cs_socket(family.rawValue, kind.rawValue)
  }

  package static func socketPair() -> (result: Int32, first: Int32, second: Int32) {
    var first: Int32 = -1
    var second: Int32 = -1
    let result = cs_socket_pair(&first, &second)
    return (result, first, second)
  }

  package static func pipe() -> (result: Int32, reader: Int32, writer: Int32) {
    var reader: Int32 = -1
    var writer: Int32 = -1
    let result = cs_pipe(&reader, &writer)
    return (result, reader, writer)
  }

  package static func bind(_ descriptor: Int32, _ address: RawAddress) -> Int32 {
    withUnsafePointer(to: address) { cs_bind(descriptor, $0) }
  }

  /// Binds to a path to which only this user may connect.
  package static func bindPrivately(_ descriptor: Int32, _ address: RawAddress) -> Int32 {
    withUnsafePointer(to: address) { cs_bind_private(descriptor, $0) }
  }

  /// The effective user of the process that has made a Unix connection; nil if the kernel does not say.
  package static func peerUser(_ descriptor: Int32) -> UInt32? {
    var user: UInt32 = 0
    return cs_peer_user(descriptor, &user) == 0 ? user : nil
  }

  package static func listen(_ descriptor: Int32, backlog: Int) -> Int32 {
    cs_listen(descriptor, Int32(clamping: backlog))
  }

  package static func connect(_ descriptor: Int32, _ address: RawAddress) -> Int32 {
    withUnsafePointer(to: address) { cs_connect(descriptor, $0) }
  }

  package static func socketError(_ descriptor: Int32) -> Int32 { cs_socket_error(descriptor) }

  package static func accept(_ descriptor: Int32, _ peer: inout RawAddress) -> Int32 { cs_accept(descriptor, &peer) }

  package static func shutdown(_ descriptor: Int32, reading: Bool, writing: Bool) -> Int32 {
    cs_shutdown(descriptor, reading, writing)
  }

  package static func localAddress(_ descriptor: Int32) -> RawAddress? {
    var address = RawAddress()
    return cs_local_address(descriptor, &address) == 0 ? address : nil
  }

  package static func peerAddress(_ descriptor: Int32) -> RawAddress? {
    var address = RawAddress()
    return cs_peer_address(descriptor, &address) == 0 ? address : nil
  }

  package static func setOption(_ descriptor: Int32, _ option: SocketOption, _ value: Int32) -> Int32 {
    cs_set_option(descriptor, option.raw, value)
  }

  // MARK: Bytes

  package static func receive(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return cs_receive(descriptor, base, buffer.count)
  }

  package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return cs_send(descriptor, base, bytes.count)
  }

  package static func send(_ descriptor: Int32, parts: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
    withUnsafeTemporaryAllocation(of: cs_part.self, capacity: min(parts.count, 64)) { list in
      for (index, part) in parts.prefix(list.count).enumerated() {
        list.initializeElement(at: index, to: cs_part(bytes: part.baseAddress, count: part.count))
      }
      return cs_send_parts(descriptor, list.baseAddress!, Int32(list.count))
    }
  }

  package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, to address: RawAddress?) -> Int {
    guard let address else { return cs_send_to(descriptor, bytes.baseAddress, bytes.count, nil) }
    return withUnsafePointer(to: address) { cs_send_to(descriptor, bytes.baseAddress, bytes.count, $0) }
  }

  package static func receive(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, from address: inout RawAddress,
    isTruncated: inout Bool
  ) -> Int {
    cs_receive_from(descriptor, buffer.baseAddress, buffer.count, &address, &isTruncated)
  }

  package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, passing passed: Int32) -> Int {
    cs_send_descriptor(descriptor, bytes.baseAddress!, bytes.count, passed)
  }

  package static func receive(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, passed: inout Int32
  ) -> Int {
    cs_receive_descriptor(descriptor, buffer.baseAddress!, buffer.count, &passed)
  }

  package static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return cs_read(descriptor, base, buffer.count)
  }

  package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return cs_write(descriptor, base, bytes.count)
  }

  package static func setNonblocking(_ descriptor: Int32, _ isNonblocking: Bool) -> Int32 {
    cs_set_nonblocking(descriptor, isNonblocking)
  }

  package static func duplicate(_ descriptor: Int32) -> Int32 { cs_duplicate(descriptor) }

  /// Whether the process was started without this descriptor, one of 0, 1 and 2.
  package static func isMissing(_ descriptor: Int32) -> Bool { cs_is_missing(descriptor) }

  package static func isPipeOrTerminal(_ descriptor: Int32) -> Bool {
    let kind = cs_kind(descriptor)
    return kind == CS_KIND_PIPE || kind == CS_KIND_TERMINAL
  }

  package static func isNonblocking(_ descriptor: Int32) -> Bool { cs_is_nonblocking(descriptor) }

  package static func isSocket(_ descriptor: Int32) -> Bool { cs_kind(descriptor) == CS_KIND_SOCKET }

  /// A new number for a pipe or terminal, with a description of its own that does not block; -errno if there is none.
  package static func reopenNonblocking(_ descriptor: Int32) -> Int32 { cs_reopen(descriptor, true) }

  /// A descriptor for a child, whose calls are to block: the same, or a new number that the caller closes.
  ///
  /// -errno if it is not open.
  ///
  /// - Parameter isOurs: whether a stream of this library owns it.
  package static func share(_ descriptor: Int32, isOurs: Bool) -> Int32 { cs_share(descriptor, isOurs) }

  /// What the kernel calls an open file: its path, "pipe:[4711]" or the like; nil if it does not say.
  package static func name(of descriptor: Int32) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      let count = cs_descriptor_name(descriptor, buffer.baseAddress!, buffer.count)
      return count > 0 ? String(decoding: UnsafeRawBufferPointer(buffer)[..<count], as: UTF8.self) : nil
    }
  }

  package static func unlink(_ path: String) { _ = path.withCString { cs_unlink($0) } }

  /// Makes a write to a pipe without a reader, or beyond the limit on the size of files, fail instead of ending the
  /// process, unless the program handles SIGPIPE or SIGXFSZ.
  package static func ignoreWriteSignals() { cs_ignore_write_signals() }
}
