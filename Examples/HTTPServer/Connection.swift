import Nursery

/// Answers the requests of one connection, one after the other.
///
///     wait ──> head ──> handler ──> rest of the body ──> wait ...
///       │        └─ malformed, too large, too late ──> refusal ──┐
///       └─ end, idle for too long, draining ──────────────────────┴──> linger, closed
///
/// What has been answered is passed on only when no further request has come: before anything here waits for the
/// client.
final class Connection {
  private enum Event {
    case request
    case end
  }

  private let service: Service
  private let input: BufferedReader
  /// Tells the client that nothing follows, while what he sends can still be read.
  private let closeWriting: () throws -> Void
  /// Breaks the connection off, so that the client cannot take what he has got for the whole.
  private let cut: () -> Void
  private let response: ResponseWriter
  private var request = Request()
  private var parser: HeadParser
  /// Made once; performing it allocates nothing.
  private let nextRequest: Op<Event>

  init(
    _ service: Service, _ input: any ReadableStream, _ output: any WritableStream,
    closeWriting: @escaping () throws -> Void, cut: @escaping () -> Void
  ) {
    let reader = BufferedReader(input)
    self.service = service
    self.closeWriting = closeWriting
    self.cut = cut
    self.input = reader
    response = ResponseWriter(output, timeout: service.timeouts.write)
    parser = HeadParser(limits: service.limits)
    let more = reader.parseOp(limit: .max) { bytes, isAtEnd -> (Event, Int)? in
      bytes.isEmpty ? isAtEnd ? (.end, 0) : nil : (.request, 0)
    }
    // A request that has come is served before the connection is closed: the client could not know.
    nextRequest = .biased([more, drainingOp().wrap { .end }]).orTimeout(after: service.timeouts.idle)
  }

  /// Serves until the client has no further request, or has to be turned away.
  ///
  /// - Throws: `CancellationError`, and what the streams throw; a client's misbehaviour is no error here.
  func serve() throws {
    defer { request.body.end() }
    do {
      try serveRequests()
    } catch {
      if response.endsWithConnection { cut() }
      guard let error = error as? HTTPError else { throw error }
      if try refuse(error) { linger() }
    }
  }

  private func serveRequests() throws {
    while try readHead() {
      try answer()
      if response.keepsAlive { continue }
      try response.flush()
      return linger()
    }
  }

  // MARK: Requests

  /// Reads the next head; false if there will be none.
  private func readHead() throws -> Bool {
    if input.bufferedCount == 0, try !awaitRequest() { return false }
    renewRequest()
    if try parseHead(waits: false) { return true }
    try response.flush()
    do {
      return try withTimeout(service.timeouts.head) { try parseHead(waits: true) }
    } catch is TimeoutError {
      throw HTTPError(.requestTimeout, "the request takes too long")
    } catch is UnexpectedEndError {
      return false
    }
  }

  private func awaitRequest() throws -> Bool {
    try response.flush()
    response.rest()
    do { return try nextRequest.perform() == .request } catch is TimeoutError { return false }
  }

  /// Takes a head from the buffer; false if it is not complete, and must not be waited for.
  private func parseHead(waits: Bool) throws -> Bool {
    try input.parse(limit: .max) { bytes, _ -> (Bool, Int)? in
      if let count = try parser.parse(bytes, into: &request.head) { return (true, count) }
      return waits ? nil : (false, 0)
    }
  }

  /// A handler may have kept the request; then the next one is another object.
  private func renewRequest() {
    request.body.end()
    if !isKnownUniquelyReferenced(&request) { request = Request() }
    request.renewBody()
    response.reset()
  }

  // MARK: Responses

  private func answer() throws {
    // A client that has more to send may first want to see what he has been answered.
    if request.head.framing != .none { try response.flush() }
    response.prepare(for: request, discarded: service.limits.discarded)
    try request.body.begin(
      request.head.framing, from: input, limit: service.limits.body, timeout: service.timeouts.body,
      invite: request.head.expectsContinue ? { [response] in try response.inviteBody() } : nil)
    do {
      try service.handler(request, response)
      try response.finish()
    } catch  where !response.hasBegun && !(error is HTTPError || error is CancellationError) {
      service.report(error)
      try response.fail()
    }
    if response.keepsAlive, !request.body.isAtEnd {
      try response.flush()
      if try !discardBody() { response.keepsAlive = false }
    }
  }

  /// Reads what the handler did not want; false if the connection is no good for another request after that.
  ///
  /// A body that is malformed or too late is nothing to the response, which is complete: the client is to see that.
  private func discardBody() throws -> Bool {
    do { return try request.body.discard(limit: service.limits.discarded) } catch is HTTPError { return false }
  }

  /// Says what was wrong; false if that is not possible, because another answer is on its way.
  private func refuse(_ error: HTTPError) throws -> Bool {
    guard !response.hasBegun else { return false }
    response.forgetFields()
    response.status = error.status
    response.keepsAlive = false
    try response.send("\(error.message)\n", type: "text/plain; charset=utf-8")
    try response.flush()
    return true
  }

  /// Waits until the client has closed, too.
  ///
  /// Closing while something is unread would reset the connection, and could make the last response disappear on its
  /// way.
  private func linger() {
    _ = try? withTimeout(service.timeouts.linger) {
      try closeWriting()
      var rest = Limits.lingering
      while rest > 0 {
        let count = try input.read(upTo: 8192).count
        rest = count == 0 ? 0 : rest - count
      }
    }
  }
}
