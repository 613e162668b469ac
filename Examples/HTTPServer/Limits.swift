/// Limits on a client's requests; a request beyond a limit is refused.
struct Limits: Sendable {
  /// Bytes of the request's first line; more is answered with 414.
  var requestLine = 8 << 10
  /// Bytes of the whole head; more is answered with 431.
  var head = 32 << 10
  /// The number of headers; more is answered with 431.
  var fields = 100
  /// Bytes of a request's body; more is answered with 413.
  var body = 16 << 20
  /// Bytes of an unread body that are read and dropped so that the connection can be kept.
  var discarded = 256 << 10
  /// Bytes that are read after the last response, so that the client receives it.
  static let lingering = 16 << 20
}

/// How long a client may take, for each thing that it has to do.
///
/// The times for bodies are for each 64 KiB. So a large body may take as long as it needs, but a client that sends a
/// byte now and then is cut off.
struct Timeouts: Sendable {
  /// From a response to the next request; then the connection is closed.
  var idle = Duration.seconds(60)
  /// From the first byte of a head to its last; then the answer is 408.
  var head = Duration.seconds(10)
  /// For 64 KiB of a request's body; then the answer is 408.
  var body = Duration.seconds(30)
  /// For the client to take 64 KiB of a response; then the connection is closed.
  var write = Duration.seconds(30)
  /// From the last response until the client closes its side.
  var linger = Duration.seconds(1)

  /// The number of bytes of a body that the times are for.
  static let portion = 64 << 10
}
