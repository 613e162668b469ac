import Nursery

/// What has been asked of the server, and where the answer goes.
final class Request: Sendable {
  let text: [UInt8]
  /// Fires when nobody waits for the answer any more.
  let nack: Nack
  /// With room for the one answer, so that the reader never waits for a caller, who may be busy or gone.
  let replies = Channel<Result<Answer, any Error>>(.bounded(1))

  init(_ text: [UInt8], _ nack: Nack) {
    self.text = text
    self.nack = nack
  }

  /// Never blocks; the second reply, if there is one, is dropped.
  func reply(_ result: Result<Answer, any Error>) { _ = try? replies.trySend(result) }
}
