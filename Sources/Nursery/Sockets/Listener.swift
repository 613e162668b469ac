/// A socket that accepts connections: a `TCPListener` or a `UnixListener`.
///
///     let listener = try TCPListener(port: 7)
///     try listener.serve { connection in try copy(from: connection, to: connection) }
///
/// Any number of fibers may accept. It belongs to the nursery in which it was made. The nursery closes it when all its
/// fibers have ended; `close()`, or the release of the last reference, closes it earlier.
public final class Listener<Stream: SocketStream>: Sequence, Sendable, CustomStringConvertible {
  let acceptor: Acceptor

  init(_ acceptor: Acceptor) {
    self.acceptor = acceptor
  }

  deinit { close() }

  /// The address on which it listens, with the actual port.
  public var address: SocketAddress { acceptor.address }

  /// Waits for a connection.
  ///
  /// A cancellation point; then no connection has been accepted.
  ///
  /// - Throws: `SystemError`, for instance if no descriptor is left; then an immediate retry would also fail.
  ///   `StreamClosedError` if the listener has been closed. `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func accept() throws -> Stream { try acceptOp().perform() }

  /// The operation that accepts a connection; an operation that is not chosen leaves the connection in the queue.
  public func acceptOp() -> Op<Stream> {
    acceptor.descriptor.op(.readable, keeping: self) { [acceptor] in
      try acceptor.tryAccept { Stream($0, remoteAddress: $1, slot: $2) }
    }
  }

  /// Closes the listener; a Unix listener removes its path if the file there is still its own.
  ///
  /// Pending accepts throw `StreamClosedError`; queued connections are refused; accepted connections stay open. Never
  /// blocks. Closing it again does nothing.
  public func close() { acceptor.close() }

  /// Whether it has been closed here.
  public var isClosed: Bool { acceptor.descriptor.isClosed }

  /// The descriptor's number, for system calls that have no other form here.
  ///
  /// The listener closes it. It is -1 once the listener is closed.
  public var fileDescriptor: Int32 { acceptor.descriptor.openNumber }

  /// Begins an iteration: `for connection in listener`.
  ///
  /// The loop ends when the listener is closed, and in a cancelled scope. While no descriptors are left it waits, in
  /// growing pauses of up to a second. It also ends with an error after which accepting cannot continue.
  /// `Configuration.onSuppressedError` gets that error; to catch it, call `serve` instead.
  public func makeIterator() -> Iterator { Iterator(listener: self) }

  /// Accepts one connection after another.
  public struct Iterator: IteratorProtocol {
    let listener: Listener

    /// Waits for a connection; nil when the listener is closed, and in a cancelled scope.
    @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
    public mutating func next() -> Stream? {
      do { return try listener.acceptPatiently() } catch {
        if !(error is CancellationError) { Scheduler.reportSuppressed(error) }
        return nil
      }
    }
  }

  /// "the listener on 127.0.0.1:80".
  public var description: String { "the listener on \(address)" }
}

extension Listener {
  /// Waits for a connection; nil when the listener is closed.
  ///
  /// While no descriptors are left it waits and tries again, first after 5 ms, in the end every second.
  func acceptPatiently() throws -> Stream? {
    var pause = Duration.milliseconds(5)
    while true {
      do { return try accept() } catch let error as SystemError where System.isExhaustion(error.code) {
        try sleep(for: pause)
        pause = Swift.min(pause * 2, .seconds(1))
      } catch is StreamClosedError {
        return nil
      }
    }
  }
}
