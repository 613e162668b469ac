/// A TCP connection.
///
///     let stream = try TCPStream.connect(to: .ip(.loopback, port: 7))
///     try stream.writeAll("hello\n")
///     let answer = try stream.read(upTo: 512)
///
/// One fiber may read while another one writes. It belongs to the nursery in which it was made. The nursery closes it
/// when all its fibers have ended; `close()`, or the release of the last reference, closes it earlier.
public final class TCPStream: SocketStream, @unchecked Sendable {
  override var shortReadsDrain: Bool { true }

  /// Connects to a numeric address.
  ///
  /// A cancellation point; then nothing is left of the attempt.
  ///
  /// - Throws: `SystemError` if no socket listens there, the network is unreachable or no descriptor is left;
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public static func connect(to address: SocketAddress, options: SocketOptions = SocketOptions()) throws -> TCPStream {
    try connectOp(to: address, options: options).perform()
  }

  /// The operation that connects to a numeric address; each perform begins a connection.
  ///
  /// If it is not chosen, the attempt is abandoned; the other side may have seen it.
  public static func connectOp(to address: SocketAddress, options: SocketOptions = SocketOptions()) -> Op<TCPStream> {
    Connector.op(to: address, options) { TCPStream($0, remoteAddress: address) }
  }

  /// Sets whether small writes are sent at once instead of being collected; initially `SocketOptions.noDelay`.
  ///
  /// - Throws: `SystemError`, `StreamClosedError`.
  public func setNoDelay(_ isOn: Bool) throws {
    let result = descriptor.attempt(.none) { Int(System.setOption($0, .noDelay, isOn ? 1 : 0)) }
    _ = try result.value("set noDelay of", self)
  }

  /// Resets the connection: the other side reads an error instead of an end.
  ///
  /// So the other side cannot mistake incomplete data for complete data. Bytes that have been written and not yet sent
  /// are dropped. Never blocks. Does nothing on a closed stream.
  public func reset() {
    _ = descriptor.attempt(.none) { Int(System.setOption($0, .linger, 0)) }
    close()
  }

  /// "the TCP stream to 127.0.0.1:80".
  public override var description: String { "the TCP stream to \(remoteAddress)" }
}
