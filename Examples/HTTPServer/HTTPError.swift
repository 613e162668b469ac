/// A request cannot be served: the status of the answer, and the reason.
///
/// Thrown by the parsers; a handler may also throw it. The connection is closed after the answer.
struct HTTPError: Error, Hashable, CustomStringConvertible {
  let status: Status
  /// The body of the answer.
  let message: String

  init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { "\(status): \(message)" }
}
