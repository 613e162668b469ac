/// An internet address, of version 4 or 6.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address's bytes in network order: 4 or 16.
  public let bytes: [UInt8]
  /// The number of the interface for a link-local address of version 6; else 0.
  public let scope: UInt32

  /// Creates an address from its 4 or 16 bytes in network order; nil if there are more or fewer.
  public init?(bytes: [UInt8], scope: UInt32 = 0) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
    self.scope = scope
  }

  /// Parses "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; nil for anything else, also for names of hosts.
  public init?(_ text: String) {
    guard let raw = RawAddress(parsing: text), let address = SocketAddress(raw).ip else { return nil }
    self = address
  }

  /// This machine alone, in version 4: 127.0.0.1.
  public static let loopback = IPAddress("127.0.0.1")!
  /// This machine alone, in version 6: ::1.
  public static let loopbackV6 = IPAddress("::1")!
  /// Every interface, in version 4: 0.0.0.0.
  public static let any = IPAddress("0.0.0.0")!
  /// Every interface, in version 6 and, unless `SocketOptions.isV6Only` is set, also in version 4: `::`.
  public static let anyV6 = IPAddress("::")!

  /// Whether it is of version 6.
  public var isV6: Bool { bytes.count == 16 }

  /// The numeric form: "192.0.2.1", "2001:db8::1".
  public var description: String { SocketAddress.ip(self, port: 0).raw.numericText }
}
