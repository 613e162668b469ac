import Nursery

/// One of the two directions of a connection.
struct Direction: Sendable {
  private let source: TCPStream
  private let destination: Destination
  private let options: ProxyOptions
  /// Ends the connection at its deadline, which moves whenever bytes have been passed on.
  private let silence: CancelScope
  private let ended = Condition("the end of a direction")
  private let failed = Condition("the failure of a direction")

  init(from source: TCPStream, to destination: TCPStream, _ options: ProxyOptions, _ silence: CancelScope) {
    self.source = source
    self.destination = Destination(destination)
    self.options = options
    self.silence = silence
  }

  /// Passes on all bytes, and then their end.
  ///
  /// Returns the error, or nil if there was none.
  ///
  /// - Throws: `CancellationError`.
  func run(other: Direction) throws -> SystemError? {
    defer { ended.signal() }
    do {
      try copy(from: source, to: destination) { _ in
        if let idleTimeout = options.idleTimeout { silence.deadline = FiberClock.now + idleTimeout }
      }
      if other.destination.isBroken { destination.stream.reset() } else { try destination.stream.closeWriting() }
    } catch let error as SystemError {
      failed.signal()
      // A server may send the reason before it closes, and the other direction may still be passing it on.
      let isSaid: Void? = try withTimeoutOrNil(options.lastWords) {
        try Op.choice([other.ended.waitOp(), other.failed.waitOp()]).perform()
      }
      destination.stream.reset()
      if isSaid == nil { source.reset() }
      return error
    } catch is StreamClosedError {
      // The other direction has failed and reports its own error.
      destination.stream.reset()
    }
    return nil
  }
}
