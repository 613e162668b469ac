/// Accepts TCP connections.
///
///     try withNursery { nursery in
///       for connection in try TCPListener(port: 7) {
///         nursery.goAsync { try copy(from: connection, to: connection) }
///       }
///     }
///
/// Any number of fibers may accept. It belongs to the nursery in which it was made, which closes it when all its fibers
/// have ended; it is closed earlier by `close()`, or with the last reference to it.
public final class TCPListener: Sequence, Sendable, CustomStringConvertible {
  private let acceptor: Acceptor

  /// Listens on a port of an address; connections are queued from now on.
  ///
  /// - Parameters:
  ///   - host: which of this machine's addresses; only this machine can connect to `.loopback`, other machines also to
  ///     `.any` and `.anyV6`.
  ///   - port: 0 for one that is free; see `address`.
  ///   - backlog: how many connections the kernel queues that have not been accepted.
  ///   - limit: how many accepted connections may be open at once: beyond, accepting waits until one is closed. Nil for
  ///     any number.
  /// - Throws: `SystemError` if the port is in use or not allowed, or no descriptor is left.
  public init(
    _ host: IPAddress = .loopback, port: UInt16, backlog: Int = 1024, limit: Int? = nil,
    options: SocketOptions = SocketOptions()
  ) throws {
    acceptor = try Acceptor(.ip(host, port: port), backlog: backlog, limit: limit, options)
  }

  deinit { close() }

  /// Where it listens, with the port that was found.
  public var address: SocketAddress { acceptor.address }

  /// The port on which it listens.
  public var port: UInt16 { address.port! }

  /// Waits for a connection.
  ///
  /// A cancellation point; then the connection is still to be accepted.
  ///
  /// - Throws: `SystemError`, for instance if no descriptor is left: trying again at once would fail, too.
  ///   `StreamClosedError` if the listener has been closed. `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func accept() throws -> TCPStream { try acceptOp().perform() }

  /// The operation that accepts a connection; one that is not chosen leaves it to the next.
  public func acceptOp() -> Op<TCPStream> {
    acceptor.descriptor.op(.readable, keeping: self) { [acceptor] in
      try acceptor.tryAccept { TCPStream($0, remoteAddress: $1, slot: $2) }
    }
  }

  /// Closes the listener.
  ///
  /// Pending accepts throw `StreamClosedError`; queued connections are refused.
  ///
  /// Connections that were accepted stay. Never blocks. Closing it again does nothing.
  public func close() { acceptor.descriptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { acceptor.descriptor.isClosed }

  /// The descriptor's number, for calls that only the system offers; the listener closes it.
  ///
  /// It is -1 once the listener is closed.
  public var fileDescriptor: Int32 { acceptor.descriptor.openNumber }

  /// Begins an iteration: `for connection in listener`.
  ///
  /// The loop ends when the listener is closed, and in a cancelled scope. While no descriptors are left it waits, in
  /// growing pauses of up to a second. It ends, too, when the kernel says that accepting cannot go on, and the handler
  /// of suppressed errors gets that error; to catch it call `accept()` in a loop of your own.
  public func makeIterator() -> Iterator { Iterator(listener: self) }

  /// Accepts connections one after the other.
  public struct Iterator: IteratorProtocol {
    let listener: TCPListener

    /// Waits for a connection; nil when the listener is closed, and in a cancelled scope.
    @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
    public mutating func next() -> TCPStream? { listener.acceptor.next { try listener.accept() } }
  }

  /// "the listener on 127.0.0.1:80".
  public var description: String { "the listener on \(address)" }
}
