/// A stream, listener or socket was used after it had been closed on this side.
///
/// Thrown by calls on it, and by calls that were waiting when it was closed. The end of the other side's data is not an
/// error but a read of 0 bytes.
public struct StreamClosedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The stream that was closed: "the TCP stream to 127.0.0.1:80".
  public let stream: String

  /// Creates an error that names the stream.
  public init(stream: String) { self.stream = stream }

  /// "the TCP stream to 127.0.0.1:80 has been closed; ...".
  public var description: String {
    "\(stream) has been closed on this side; keep it open until its last reader and writer have ended"
  }
}
