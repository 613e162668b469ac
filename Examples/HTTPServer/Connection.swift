import Nursery

/// Answers the requests of one connection, one after another.
///
///     wait ──> head ──> handler ──> rest of the body ──> wait ...
///       │        └─ malformed, too large, too late ──> refusal ──┐
///       └─ end, idle for too long, draining ──────────────────────┴──> linger, closed
///
/// Responses are collected, and flushed before a wait for the client. So the responses to requests that came together
/// leave together.
final class Connection {
  private enum Event {
    case request
    case end
  }

  private let service: Service
  private let input: BufferedReader
  /// Ends the output; the client's bytes can still be read.
  private let closeWriting: () throws -> Void
  /// Resets the connection, so that the client cannot take a partial response for a complete one.
  private let cut: () -> Void
  private let response: ResponseWriter
  private var request = Request()
  private var parser: HeadParser
  /// Made once, so that performing it allocates nothing.
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
    // A request that has come before the drain is served, because the client could not know of the drain.
    nextRequest = .biased([more, drainingOp().wrap { .end }]).orTimeout(after: service.timeouts.idle)
  }

  /// Serves until the client ends the connection or is refused.
  ///
  /// - Throws: `CancellationError`, and the streams' errors; an invalid request is no error here.
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

  /// Takes a head from the buffer; returns false if it is not complete and `waits` is false.
  private func parseHead(waits: Bool) throws -> Bool {
    try input.parse(limit: .max) { bytes, _ -> (Bool, Int)? in
      if let count = try parser.parse(bytes, into: &request.head) { return (true, count) }
      return waits ? nil : (false, 0)
    }
  }

  /// If a handler has kept the request, the next one gets another object.
  private func renewRequest() {
    request.body.end()
    if !isKnownUniquelyReferenced(&request) { request = Request() }
    request.renewBody()
    response.reset()
  }

  // MARK: Responses

  private func answer() throws {
    // A client with more to send may wait for earlier responses first.
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

  /// Reads the part of the body that the handler did not read; returns false if the connection cannot serve another
  /// request.
  ///
  /// A malformed or late body does not affect the response, which is complete and is sent.
  private func discardBody() throws -> Bool {
    do { return try request.body.discard(limit: service.limits.discarded) } catch is HTTPError { return false }
  }

  /// Sends the error; returns false if another response has already begun.
  private func refuse(_ error: HTTPError) throws -> Bool {
    guard !response.hasBegun else { return false }
    response.forgetFields()
    response.status = error.status
    response.keepsAlive = false
    try response.send("\(error.message)\n", type: "text/plain; charset=utf-8")
    try response.flush()
    return true
  }

  /// Waits until the client has also closed.
  ///
  /// Closing with unread bytes would reset the connection, and the client could lose the last response.
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
