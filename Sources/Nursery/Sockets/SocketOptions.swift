/// Options that are set on a socket before it is bound or connected.
public struct SocketOptions: Hashable, Sendable {
  /// Whether small writes are sent at once instead of being collected (TCP_NODELAY); for TCP.
  public var noDelay = true
  /// Whether a dead peer is detected, after hours, even without writes (SO_KEEPALIVE).
  public var keepsAlive = false
  /// Whether a listener may bind a port that still has connections being closed (SO_REUSEADDR).
  public var reusesAddress = true
  /// Whether several sockets may be bound to one port and share its connections or datagrams (SO_REUSEPORT).
  public var reusesPort = false
  /// Whether a socket of version 6 refuses connections of version 4.
  public var isV6Only = false
  /// The size of the kernel's send buffer, in bytes; nil for the kernel's choice.
  public var sendBufferSize: Int?
  /// The size of the kernel's receive buffer, in bytes; nil for the kernel's choice.
  public var receiveBufferSize: Int?
  /// Whether datagrams may be sent to the broadcast address.
  public var broadcasts = false
  /// Seconds for which a close waits until all data is delivered.
  ///
  /// 0 resets the connection; nil lets the kernel deliver in the background.
  ///
  /// The kernel waits, so the close blocks its whole thread, also when the nursery closes the connection. So with more
  /// than 0, close on the blocking pool: `try blocking { stream.close() }`. A listener's connections have its options.
  public var linger: Int?
  /// The address from which to connect; nil for any.
  public var localAddress: SocketAddress?

  /// Creates the default options.
  public init() {}

  /// Sets the options on a socket that is neither bound nor connected.
  func apply(to descriptor: Int32, _ family: SocketFamily, _ kind: SocketKind) throws(SystemError) {
    func set(_ option: SocketOption, _ value: Int, _ name: String) throws(SystemError) {
      try checked("set the socket option \(name)", System.setOption(descriptor, option, Int32(clamping: value)))
    }
    if family != .unix {
      if kind == .stream { try set(.noDelay, noDelay ? 1 : 0, "noDelay") }
      if keepsAlive { try set(.keepAlive, 1, "keepsAlive") }
      if reusesPort { try set(.reusePort, 1, "reusesPort") }
      if family == .v6 { try set(.v6Only, isV6Only ? 1 : 0, "isV6Only") }
      if broadcasts { try set(.broadcast, 1, "broadcasts") }
    }
    if let sendBufferSize { try set(.sendBuffer, sendBufferSize, "sendBufferSize") }
    if let receiveBufferSize { try set(.receiveBuffer, receiveBufferSize, "receiveBufferSize") }
    if let linger { try set(.linger, linger, "linger") }
  }
}
