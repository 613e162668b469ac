/// Sends and receives datagrams: messages that arrive whole, or not at all.
///
/// Any number of fibers may send and receive. It belongs to the nursery in which it was made. The nursery closes it
/// when all its fibers have ended; `close()`, or the release of the last reference, closes it earlier.
public final class UDPSocket: Sendable, CustomStringConvertible {
  /// A received datagram.
  public struct Datagram: Sendable, Hashable {
    /// Its contents.
    public var bytes: [UInt8]
    /// The sender's address.
    public var sender: SocketAddress
    /// Whether it was longer than requested; the rest is lost.
    public var isTruncated: Bool
  }

  private let descriptor: Descriptor
  /// The address at which it receives, with the actual port.
  ///
  /// For a socket at `.any`, only the port is of use to senders.
  public let address: SocketAddress

  /// Binds a socket to a port of an address.
  ///
  /// - Parameters:
  ///   - host: one of this machine's addresses; the socket has its version. A socket at `.loopback` communicates with
  ///     this machine only.
  ///   - port: 0 for a free port; see `address`.
  /// - Throws: `SystemError` if the port is in use or not allowed, or no descriptor is left.
  public init(_ host: IPAddress = .any, port: UInt16 = 0, options: SocketOptions = SocketOptions()) throws {
    let wanted = SocketAddress.ip(host, port: port)
    let number = try checked("make a socket", System.socket(wanted.family, .datagram))
    do throws(SystemError) {
      try options.apply(to: number, wanted.family, .datagram)
      try checked("bind to \(wanted)", System.bind(number, try wanted.checkedRaw()))
    } catch {
      System.close(number)
      throw error
    }
    address = System.localAddress(number).map { SocketAddress($0) } ?? wanted
    descriptor = Descriptor(adopting: number)
  }

  deinit { close() }

  /// Restricts the socket to one peer: it receives only from that peer, and `send` without an address goes there.
  ///
  /// If the peer's machine reports an error, such as a closed port, the next call throws it. Never blocks.
  ///
  /// - Throws: `SystemError`, `StreamClosedError`.
  public func connect(to peer: SocketAddress) throws {
    let raw = try peer.checkedRaw()
    _ = try descriptor.attempt(.none) { Int(System.connect($0, raw)) }.value("connect", self, " to \(peer)")
  }

  /// Waits until there is room, and sends a datagram.
  ///
  /// A sent datagram may get lost. A cancellation point; then it has not been sent.
  ///
  /// - Parameter peer: the receiver; nil for the peer that the socket is connected to.
  /// - Throws: `SystemError` if it is too long (65,507 bytes at most), or there is no peer; `StreamClosedError`;
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func send(_ bytes: [UInt8], to peer: SocketAddress? = nil) throws { try sendOp(bytes, to: peer).perform() }

  /// The operation that sends a datagram; see `send`.
  public func sendOp(_ bytes: [UInt8], to peer: SocketAddress? = nil) -> Op<Void> {
    descriptor.op(.writable, keeping: self) { [self] in
      let raw = try peer?.checkedRaw()
      let result = bytes.withUnsafeBytes { bytes in
        descriptor.attempt(.writable) { System.send($0, bytes, to: raw) }
      }
      return try result.value("send from", self, peer.map { " to \($0)" } ?? "").map { _ in () }
    }
  }

  /// Waits for a datagram.
  ///
  /// A cancellation point; then none has been taken.
  ///
  /// - Parameter count: the largest number of bytes to read; the rest of a longer datagram is lost. The default is
  ///   enough for any datagram.
  /// - Throws: `SystemError`, `StreamClosedError`, `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func receive(upTo count: Int = 65_536) throws -> Datagram { try receiveOp(upTo: count).perform() }

  /// The operation that takes a datagram; see `receive`.
  public func receiveOp(upTo count: Int = 65_536) -> Op<Datagram> {
    descriptor.op(.readable, keeping: self) { [self] in
      // Polls first, so that memory is allocated only if there is a datagram.
      guard descriptor.isClosed || System.pollNow(descriptor.number, .readable) != 0 else { return nil }
      var sender = RawAddress()
      var isTruncated = false
      var found: Int?
      // No datagram is longer than 65,535 bytes.
      let bytes = try [UInt8](upTo: count, atOnce: 65_536) { buffer in
        let result = descriptor.attempt(.readable) {
          System.receive($0, buffer, from: &sender, isTruncated: &isTruncated)
        }
        found = try result.value("receive at", self)
        return found ?? 0
      }
      return found.map { _ in Datagram(bytes: bytes, sender: SocketAddress(sender), isTruncated: isTruncated) }
    }
  }

  /// Closes the socket.
  ///
  /// Pending calls throw `StreamClosedError`.
  ///
  /// Never blocks. Closing it again does nothing.
  public func close() { descriptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { descriptor.isClosed }

  /// The descriptor's number, for system calls that have no other form here.
  ///
  /// The socket closes it. It is -1 once the socket is closed.
  public var fileDescriptor: Int32 { descriptor.openNumber }

  /// "the UDP socket at 127.0.0.1:53".
  public var description: String { "the UDP socket at \(address)" }
}
