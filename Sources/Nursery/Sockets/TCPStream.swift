import CSwitch

/// A TCP connection.
///
///     let stream = try TCPStream.connect(to: .ip(.loopback, port: 7))
///     try stream.writeAll("hello\n")
///     let answer = try stream.read(upTo: 512)
///
/// One fiber may read while another one writes. It belongs to the nursery in which it was made, which closes it when
/// all its fibers have ended; it is closed earlier by `close()`, or with the last reference to it.
public final class TCPStream: SocketStream, @unchecked Sendable {
  override var shortReadsDrain: Bool { true }

  /// Connects to a numeric address.
  ///
  /// A cancellation point; then nothing is left of the attempt.
  ///
  /// - Throws: `SystemError` if nobody listens there, the network is out of reach or no descriptor is left;
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public static func connect(to address: SocketAddress, options: SocketOptions = SocketOptions()) throws -> TCPStream {
    try connectOp(to: address, options: options).perform()
  }

  /// The operation that connects to a numeric address; it begins to with the perform.
  ///
  /// If it is not chosen, the attempt is given up, although the other side may have noticed it.
  public static func connectOp(to address: SocketAddress, options: SocketOptions = SocketOptions()) -> Op<TCPStream> {
    Connector.op(to: address, options) { TCPStream($0, remoteAddress: address) }
  }

  /// Sets whether small writes go out at once instead of waiting to be joined; they do unless the options said
  /// otherwise.
  ///
  /// - Throws: `SystemError`, `StreamClosedError`.
  public func setNoDelay(_ isOn: Bool) throws {
    let result = descriptor.attempt(.none) { Int(System.setOption($0, CS_NO_DELAY, isOn ? 1 : 0)) }
    _ = try result.value("set noDelay of", self)
  }

  /// Closes the connection by breaking it off: the other side reads an error where it would else have read an end.
  ///
  /// So what was cut short does not pass for complete. What has been written and not been sent is dropped. Never
  /// blocks. On a stream that has been closed already it does nothing.
  public func reset() {
    _ = descriptor.attempt(.none) { Int(System.setOption($0, CS_LINGER, 0)) }
    close()
  }

  /// "the TCP stream to 127.0.0.1:80".
  public override var description: String { "the TCP stream to \(remoteAddress)" }
}
