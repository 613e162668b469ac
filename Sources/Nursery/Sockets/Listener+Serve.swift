import Synchronization

extension Listener {
  /// Accepts connections and calls `handler` with each on a separate fiber, until the listener is closed.
  ///
  ///     try withGracefulShutdown(grace: .seconds(10)) { _ in
  ///       let listener = try TCPListener(port: 7)
  ///       try listener.serve { connection in try copy(from: connection, to: connection) }
  ///     }
  ///
  /// The fibers are children of a nursery inside this call, which waits for them. A connection is closed when its
  /// handler has ended. When an enclosing nursery drains, the listener is closed, so later clients are refused. The
  /// call returns when the handlers have ended; handlers that check `drainingOp()` can end early. While no descriptors
  /// are left, accepting pauses. A cancellation point: a cancellation reaches the handlers, too.
  ///
  /// - Parameters:
  ///   - limit: how many handlers run at once; at the limit, connections wait in the kernel's queue. Traps if it is
  ///     less than 1; nil for any number.
  ///   - placement: the worker on which a handler begins and stays; by default the least loaded one.
  ///   - onError: called on the handler's fiber with the handler's error, before the connection is closed; without it
  ///     the error goes to `Configuration.onSuppressedError`. An error ends neither the other handlers nor the server.
  ///     `CancellationError` is not reported.
  ///   - handler: called with each connection, at the same time on several threads.
  /// - Throws: `SystemError` if accepting cannot continue, after all handlers have ended; `CancellationError` if the
  ///   current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func serve(
    limit: Int? = nil, placement: Placement = .spread,
    onError: (@Sendable (any Error, Stream) -> Void)? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ handler: @escaping @Sendable (Stream) throws -> Void
  ) throws {
    if let limit, limit < 1 {
      fatalError("\(file):\(line): serve(limit: \(limit)): no handler could ever run; write 1 or more, or leave it out")
    }
    let turns = limit.map(Turns.init)
    // Handlers that are running are not cancelled.
    var failure: (any Error)?
    try withNursery("connections", file: file, line: line) { connections in
      connections.goAsync("end of accepting", daemon: true) {
        try drainingOp().perform()
        self.close()
      }
      do {
        while true {
          try turns?.take()
          guard let connection = try acceptPatiently() else { break }
          connections.goAsync(placement: placement, file: file, line: line) {
            defer {
              connection.close()
              turns?.giveBack()
            }
            do { try handler(connection) } catch let error where !(error is CancellationError) {
              if let onError { onError(error, connection) } else { Scheduler.reportSuppressed(error) }
            }
          }
        }
      } catch let error as SystemError {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}

/// Bounds how many handlers run at once: the accepting fiber takes a turn for each handler, and the handler returns it.
private final class Turns: Sendable {
  private let limit: Int
  private let taken = Atomic<Int>(0)
  private let readiness = Readiness("a connection to end, at the limit of a server")

  init(limit: Int) {
    self.limit = limit
  }

  func take() throws {
    try readiness.whenReadyOp { [self] in taken.load(ordering: .acquiring) < limit ? () : nil }.perform()
    taken.add(1, ordering: .relaxed)
  }

  func giveBack() {
    taken.subtract(1, ordering: .releasing)
    readiness.signal()
  }
}
