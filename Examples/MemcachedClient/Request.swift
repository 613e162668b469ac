import Nursery

/// A request to the server, and the channel for its answer.
final class Request: Sendable {
  let text: [UInt8]
  /// Fires when the caller no longer waits for the answer.
  let nack: Nack
  /// Has room for the one answer, so that the reader never waits for a caller that is busy or has given up.
  let replies = Channel<Result<Answer, any Error>>(.bounded(1))

  init(_ text: [UInt8], _ nack: Nack) {
    self.text = text
    self.nack = nack
  }

  /// Never blocks; the second reply, if there is one, is dropped.
  func reply(_ result: Result<Answer, any Error>) { _ = try? replies.trySend(result) }
}
