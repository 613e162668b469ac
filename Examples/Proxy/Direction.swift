import Nursery

/// One of the two ways of a connection.
struct Direction: Sendable {
  private let source: TCPStream
  private let destination: Destination
  private let options: ProxyOptions
  /// Ends the connection when its deadline comes, which is put off whenever something has been passed on.
  private let silence: CancelScope
  private let ended = Condition("the end of a direction")
  private let failed = Condition("the failure of a direction")

  init(from source: TCPStream, to destination: TCPStream, _ options: ProxyOptions, _ silence: CancelScope) {
    self.source = source
    self.destination = Destination(destination)
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
      if other.destination.isBroken { destination.stream.reset() } else { try destination.stream.closeWriting() }
    } catch let error as SystemError {
      failed.signal()
      // A server that has closed may have said why before, and that is still on its way through the other direction.
      let isSaid: Void? = try withTimeoutOrNil(options.lastWords) {
        try Op.choice([other.ended.waitOp(), other.failed.waitOp()]).perform()
      }
      destination.stream.reset()
      if isSaid == nil { source.reset() }
      return error
    } catch is StreamClosedError {
      // The other direction has failed, and says so.
      destination.stream.reset()
    }
    return nil
  }
}
