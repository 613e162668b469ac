import Nursery

/// An HTTP server: a handler, and how much patience it has with its clients.
///
///     let service = Service { request, response in
///       try response.send("hello, \(request.path)\n", type: "text/plain")
///     }
///     try service.serve(TCPListener(port: 8080))
final class Service: Sendable {
  /// Answers a request.
  ///
  /// Called on the connection's own fiber, which may wait for whatever it likes.
  ///
  /// A handler that throws before it has sent anything is answered for with 500, or with the status of the `HTTPError`;
  /// if it throws later, the connection is cut.
  typealias Handler = @Sendable (_ request: Request, _ response: ResponseWriter) throws -> Void

  let limits: Limits
  let timeouts: Timeouts
  /// Is told of what handlers throw.
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

  /// Serves each connection in a fiber of its own, until the listener is closed, the scope is cancelled, or a nursery
  /// around drains: then no connection is accepted any more, and requests under way are answered.
  ///
  /// A cancellation point. A failing connection affects no other.
  func serve(_ listener: TCPListener) throws {
    try listener.serve { [self] connection in
      try serve(connection, connection, closeWriting: { try connection.closeWriting() }, cut: { connection.reset() })
    }
  }

  /// Serves one connection; the streams are the caller's to close.
  ///
  /// - Parameter cut: called when the client must not take the connection's end for that of a response, before it is
  ///   closed.
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
