import Nursery

/// An HTTP server: a handler, its limits and timeouts.
///
///     let service = Service { request, response in
///       try response.send("hello, \(request.path)\n", type: "text/plain")
///     }
///     try service.serve(TCPListener(port: 8080))
final class Service: Sendable {
  /// Answers a request.
  ///
  /// Called on the connection's own fiber, which may wait.
  ///
  /// If a handler throws before it has sent anything, the answer is 500, or the status of the `HTTPError`; if it throws
  /// later, the connection is reset.
  typealias Handler = @Sendable (_ request: Request, _ response: ResponseWriter) throws -> Void

  let limits: Limits
  let timeouts: Timeouts
  /// Called with the errors of handlers.
  let report: @Sendable (any Error) -> Void
  let handler: Handler

  init(
    limits: Limits = Limits(), timeouts: Timeouts = Timeouts(),
    report: @escaping @Sendable (any Error) -> Void = { _ in },
    handler: @escaping Handler
  ) {
    self.limits = limits
    self.timeouts = timeouts
    self.report = report
    self.handler = handler
  }

  /// Serves each connection in a separate fiber, until the listener is closed, the scope is cancelled, or an enclosing
  /// nursery drains.
  ///
  /// Then no further connection is accepted, and current requests are answered.
  ///
  /// A cancellation point. A failing connection affects no other.
  func serve(_ listener: TCPListener) throws {
    try listener.serve { [self] connection in
      try serve(connection, connection, closeWriting: { try connection.closeWriting() }, cut: { connection.reset() })
    }
  }

  /// Serves one connection; the caller closes the streams.
  ///
  /// - Parameter cut: resets the connection; called if its end could be mistaken for the end of a response.
  /// - Throws: `CancellationError` only.
  func serve(
    _ input: any ReadableStream, _ output: any WritableStream, closeWriting: @escaping () throws -> Void,
    cut: @escaping () -> Void = {}
  ) throws {
    do {
      try Connection(self, input, output, closeWriting: closeWriting, cut: cut).serve()
    } catch let error as CancellationError {
      throw error
    } catch is StreamClosedError {
    } catch is PeerTooSlowError {
    } catch let error as SystemError where error.isDisconnection {
    } catch {
      report(error)
    }
  }
}
