/// Accepts connections of processes on this machine.
///
/// Any number of fibers may accept. It belongs to the nursery in which it was made, which closes it when all its fibers
/// have ended; it is closed earlier by `close()`, or with the last reference to it. Closing it removes its path, unless
/// something else has taken its place there; if the nursery closes it, the path goes with the last reference.
public final class UnixListener: Sequence, Sendable, CustomStringConvertible {
  private let acceptor: Acceptor
  /// Absolute: the process may change its directory meanwhile.
  private let path: String?
  /// The device and the inode of what it has made at the path.
  private let identity: SIMD2<UInt64>?

  /// Listens on a path, where a file of this type is made; connections are queued from now on.
  ///
  /// - Parameters:
  ///   - path: at most 107 bytes. A socket without a listener, left by a process that has crashed, is replaced.
  ///   - backlog: how many connections the kernel queues that have not been accepted.
  ///   - limit: how many accepted connections may be open at once: beyond, accepting waits until one is closed. Nil for
  ///     any number.
  /// - Throws: `SystemError` if the path is in use, by a file that is no socket, too; not allowed or too long; or if no
  ///   descriptor is left.
  public init(path: String, backlog: Int = 1024, limit: Int? = nil, options: SocketOptions = SocketOptions()) throws {
    if options.reusesAddress { try Self.removeIfAbandoned(path) }
    acceptor = try Acceptor(.unix(path: path), backlog: backlog, limit: limit, options)
    self.path = System.absolutePath(path)
    identity = System.status(at: path)?.identity
  }

  /// Listens on a name in Linux's abstract namespace.
  ///
  /// - Throws: `SystemError` if the name is in use or too long, or no descriptor is left.
  public init(
    abstractName name: String, backlog: Int = 1024, limit: Int? = nil, options: SocketOptions = SocketOptions()
  ) throws {
    acceptor = try Acceptor(.abstract(name: name), backlog: backlog, limit: limit, options)
    path = nil
    identity = nil
  }

  deinit { close() }

  private static func removeIfAbandoned(_ path: String) throws {
    let raw = try SocketAddress.unix(path: path).checkedRaw()
    guard let found = System.status(at: path) else { return }
    // To connect to a file that is no socket is refused as well.
    guard found.isSocket else {
      throw SystemError(
        code: System.addressInUse,
        action: "listen on \(path): there is something that is no socket; remove it, or choose another path")
    }
    let probe = try checked("make a socket", System.socket(.unix, .stream))
    defer { System.close(probe) }
    // A listener that lives accepts, or has too long a queue; both say that the path is in use.
    if System.connect(probe, raw) == -System.connectionRefused { System.unlink(path) }
  }

  /// Where it listens.
  public var address: SocketAddress { acceptor.address }

  /// Waits for a connection.
  ///
  /// A cancellation point; then the connection is still to be accepted.
  ///
  /// - Throws: `SystemError`, for instance if no descriptor is left: trying again at once would fail, too.
  ///   `StreamClosedError` if the listener has been closed. `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func accept() throws -> UnixStream { try acceptOp().perform() }

  /// The operation that accepts a connection; one that is not chosen leaves it to the next.
  public func acceptOp() -> Op<UnixStream> {
    acceptor.descriptor.op(.readable, keeping: self) { [acceptor] in
      try acceptor.tryAccept { UnixStream($0, remoteAddress: $1, slot: $2) }
    }
  }

  /// Closes the listener and removes its path if it is still its own.
  ///
  /// Pending accepts throw `StreamClosedError`; queued connections are refused.
  ///
  /// Connections that were accepted stay. Never blocks. Closing it again does nothing.
  public func close() {
    if let path, !acceptor.isPathRemoved.exchange(true, ordering: .relaxed),
      let identity, identity == System.status(at: path)?.identity
    {
      // While its socket is open, nothing else can have this identity.
      System.unlink(path)
    }
    acceptor.descriptor.close()
  }

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
    let listener: UnixListener

    /// Waits for a connection; nil when the listener is closed, and in a cancelled scope.
    @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
    public mutating func next() -> UnixStream? { listener.acceptor.next { try listener.accept() } }
  }

  /// "the listener on /run/server.sock".
  public var description: String { "the listener on \(address)" }
}
