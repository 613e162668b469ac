/// A request that cannot be served: with which status to answer it, and why.
///
/// Thrown by the parsers; a handler may throw it, too. The connection is closed after the answer.
struct HTTPError: Error, Hashable, CustomStringConvertible {
  let status: Status
  /// For the peer: the body of the answer.
  let message: String

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { "\(status): \(message)" }
}
