/// A connection between processes of one machine; descriptors can be sent through it.
///
/// One fiber may read while another one writes. It belongs to the nursery in which it was made. The nursery closes it
/// when all its fibers have ended; `close()`, or the release of the last reference, closes it earlier.
public final class UnixStream: SocketStream, @unchecked Sendable {
  /// Connects to a listener's path or abstract name.
  ///
  /// A cancellation point; then nothing is left of the attempt.
  ///
  /// - Throws: `SystemError` if no socket listens there, if the listener's queue is full, or no descriptor is left;
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public static func connect(to address: SocketAddress, options: SocketOptions = SocketOptions()) throws -> UnixStream {
    try connectOp(to: address, options: options).perform()
  }

  /// The operation that connects to a listener's path or abstract name; each perform begins a connection.
  public static func connectOp(to address: SocketAddress, options: SocketOptions = SocketOptions()) -> Op<UnixStream> {
    Connector.op(to: address, options) { UnixStream($0, remoteAddress: address) }
  }

  /// Makes two streams that are connected to each other.
  ///
  /// Never blocks.
  ///
  /// - Throws: `SystemError` if no descriptor is left.
  public static func pair() throws -> (UnixStream, UnixStream) {
    let (result, first, second) = System.socketPair()
    try checked("make a pair of sockets", result)
    return (
      UnixStream(Descriptor(adopting: first), remoteAddress: .unnamed),
      UnixStream(Descriptor(adopting: second), remoteAddress: .unnamed)
    )
  }

  // MARK: Descriptors

  /// Waits until there is room, and sends a descriptor together with at least one byte.
  ///
  /// The other side gets a copy of the descriptor. The original stays open; its owner closes it. A cancellation point;
  /// then nothing has been sent.
  ///
  /// - Returns: how many of the bytes were sent, at least one; the descriptor went with the first.
  /// - Throws: as `write`; `SystemError` if the descriptor is not open.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func send(descriptor passed: Int32, with bytes: [UInt8]) throws -> Int {
    try sendOp(descriptor: passed, with: bytes).perform()
  }

  /// The operation that sends a descriptor together with bytes; see `send(descriptor:with:)`.
  public func sendOp(descriptor passed: Int32, with bytes: [UInt8]) -> Op<Int> {
    require(!bytes.isEmpty, "a descriptor is sent with at least one byte: send(descriptor:with: [0])")
    return whenWritableOp { [self] in
      let result = bytes.withUnsafeBytes { bytes in
        descriptor.attempt(.writable) { System.send($0, bytes, passing: passed) }
      }
      return try result.value("send a descriptor to", self)
    }
  }

  /// Waits until bytes are available, and reads at most `count` of them and the descriptor that came with them, if any.
  ///
  /// Empty at the end. The caller closes the descriptor. If a descriptor comes during a plain `read`, the kernel closes
  /// it. A cancellation point; then nothing has been read.
  ///
  /// - Throws: as `read`. Also `SystemError` if several descriptors have come at once, or no descriptor number is left.
  ///   Then the message is lost, bytes included, so close the stream.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func receiveDescriptor(upTo count: Int) throws -> (bytes: [UInt8], descriptor: Int32?) {
    try receiveDescriptorOp(upTo: count).perform()
  }

  /// The operation that reads bytes and the descriptor that came with them; see `receiveDescriptor(upTo:)`.
  public func receiveDescriptorOp(upTo count: Int) -> Op<(bytes: [UInt8], descriptor: Int32?)> {
    require(count > 0, "a descriptor comes with at least one byte: receiveDescriptor(upTo: 1)")
    return whenReadableOp { [self] in
      var passed: Int32 = -1
      var found: Int?
      let bytes = try [UInt8](upTo: count) { buffer in
        let result = descriptor.attempt(.readable) { System.receive($0, buffer, passed: &passed) }
        if case .failed(System.messageTooLong) = result {
          throw SystemError(
            code: System.messageTooLong,
            action: "receive a descriptor from \(self): several have come at once; send each with bytes of its own")
        }
        found = try result.value("receive a descriptor from", self)
        return found ?? 0
      }
      return found.map { _ in (bytes, passed < 0 ? nil : passed) }
    }
  }

  /// "the Unix stream to /run/server.sock".
  public override var description: String { "the Unix stream to \(remoteAddress)" }
}
