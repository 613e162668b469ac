import Nursery

/// One of the two ways of a connection.
struct Direction: Sendable {
  private let source: TCPStream
  private let destination: TCPStream
  private let options: ProxyOptions
  /// Ends the connection when its deadline comes, which is put off whenever something has been passed on.
  private let silence: CancelScope
  private let ended = Condition()

  init(from source: TCPStream, to destination: TCPStream, _ options: ProxyOptions, _ silence: CancelScope) {
    self.source = source
    self.destination = destination
    self.options = options
    self.silence = silence
  }

  /// Passes on all bytes, and then how they have ended: what has gone wrong, nil if nothing has.
  ///
  /// - Throws: `CancellationError`.
  func run(other: Direction) throws -> SystemError? {
    defer { ended.signal() }
    do {
      try copy(from: source, to: destination) { _ in
        if let idleTimeout = options.idleTimeout { silence.deadline = FiberClock.now + idleTimeout }
      }
      try destination.closeWriting()
    } catch let error as SystemError {
      // A server that has closed may have said why before, and that is still on its way through the other direction.
      _ = try withTimeoutOrNil(options.lastWords) { try other.ended.wait() }
      destination.reset()
      return error
    } catch is StreamClosedError {
      // The other direction has failed, and says so.
    }
    return nil
  }
}
