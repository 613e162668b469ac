/// How much a peer may make the server keep, or wait for; whoever wants more is refused.
struct Limits: Sendable {
  /// Bytes of the request's first line; beyond, 414.
  var requestLine = 8 << 10
  /// Bytes of the head altogether; beyond, 431.
  var head = 32 << 10
  /// How many headers; beyond, 431.
  var fields = 100
  /// Bytes of a request's body; beyond, 413.
  var body = 16 << 20
  /// Bytes of a body that the handler did not want, and that are read so that the connection can be kept.
  var discarded = 256 << 10
  /// Bytes that are read behind the last response, so that the client gets to see it.
  static let lingering = 16 << 20
}

/// How long a peer may take; each time is for one thing that he is expected to do.
///
/// The times for bodies are for every 64 KiB begun. So a large body may take as long as it needs, and nobody can keep a
/// connection busy with a byte now and then.
struct Timeouts: Sendable {
  /// Until the next request begins; then the connection is closed.
  var idle = Duration.seconds(60)
  /// From the first byte of a head to its last; then 408.
  var head = Duration.seconds(10)
  /// For 64 KiB of a request's body; then 408.
  var body = Duration.seconds(30)
  /// Until 64 KiB of a response have been taken; then the connection is closed.
  var write = Duration.seconds(30)
  /// Until the peer has closed its side, after the last response.
  var linger = Duration.seconds(1)

  /// How many bytes of a body the times are for.
  static let portion = 64 << 10
}
