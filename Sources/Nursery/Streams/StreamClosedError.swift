/// A stream, listener or socket was used that has been closed on this side.
///
/// Thrown by calls on it, and by those that waited when it was closed. The end of what the other side sends is no
/// error: a read of 0 bytes.
public struct StreamClosedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was closed: "the TCP stream to 127.0.0.1:80".
  public let stream: String

  /// Creates an error that names what was closed.
  public init(stream: String) { self.stream = stream }

  /// "the TCP stream to 127.0.0.1:80 has been closed; ...".
  public var description: String {
    "\(stream) has been closed on this side; keep it open until its last reader and writer have ended"
  }
}
