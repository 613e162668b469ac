import Nursery

/// Sends a handler's response.
///
///     try response.send("hello\n")                       // as a whole
///
///     try response.add("Content-Type", "text/csv")       // piece by piece, in chunks
///     for row in rows { try response.write(row) }
///
///     try response.begin(length: 1 << 30)                // piece by piece, with a known length
///
/// Bytes go to the client when the writer's buffer is full, or when the connection has no further request to answer. So
/// the responses to pipelined requests leave together. Call `flush` to send earlier. A HEAD request is answered like
/// GET, and the body is dropped here.
final class ResponseWriter {
  enum Body: Equatable {
    /// Nothing has been sent yet.
    case notBegun
    case length(remaining: Int)
    case chunked
    /// For HTTP/1.0, which has no chunks: the end of the connection ends the body.
    case untilClose
    case ended
  }

  let output: BufferedWriter
  private let timeout: Duration
  /// The status; 200 unless it is set before anything is sent.
  var status = Status.ok
  var body = Body.notBegun
  /// Whether another request can follow this response.
  var keepsAlive = true
  /// Whether only the end of the connection marks the end of the response.
  private(set) var endsWithConnection = false
  private var isHead = false
  private var isOld = false
  /// The request's body, which the client may still be sending.
  private var requestBody: RequestBody?
  private var discardLimit = 0
  /// The added headers, in the form in which they are sent.
  private var fields: [UInt8] = []
  private var date = DateField()
  /// Scratch space for a head; kept for the next one.
  private var scratch: [UInt8] = []

  init(_ output: any WritableStream, timeout: Duration) {
    self.output = BufferedWriter(output)
    self.timeout = timeout
  }

  /// Discards the state of the previous response when another head is expected.
  func reset() {
    status = .ok
    body = .notBegun
    keepsAlive = true
    endsWithConnection = false
    isHead = false
    isOld = false
    requestBody = nil
    fields.removeAll(keepingCapacity: true)
  }

  /// Prepares the response to a request.
  ///
  /// - Parameter discarded: how much of an unread body is read and dropped so that the connection can be kept.
  func prepare(for request: Request, discarded: Int) {
    keepsAlive = request.head.keepsAlive
    isHead = request.method == .head
    isOld = request.head.minorVersion == 0
    discardLimit = discarded
    if request.head.framing != .none { requestBody = request.body }
  }

  /// Frees memory that a waiting connection does not need.
  func rest() {
    if scratch.capacity > 1024 { scratch = [] }
    if fields.capacity > 1024 { fields = [] }
  }

  // MARK: Head

  /// Whether the status and the headers have been sent.
  var hasBegun: Bool { body != .notBegun }

  /// Adds a header.
  ///
  /// - Throws: `ResponseError` if it is malformed, so that a value from a client cannot add further headers; or if the
  ///   server itself sends this header.
  func add(_ name: String, _ value: String) throws {
    if hasBegun { throw ResponseError.begun }
    guard !name.isEmpty, name.utf8.allSatisfy(\.isToken), value.utf8.allSatisfy(\.isFieldText) else {
      throw ResponseError.badHeader(name: name)
    }
    for reserved in ["content-length", "transfer-encoding", "connection", "date"]
    where name.utf8.count == reserved.utf8.count && name.lowercased() == reserved {
      throw ResponseError.reservedHeader(name: name)
    }
    fields.append(contentsOf: name.utf8)
    fields.append(": ")
    fields.append(contentsOf: value.utf8)
    fields.append("\r\n")
  }

  /// Sends status and headers; the body follows with `write`.
  ///
  /// - Parameter length: the length of the body; nil if unknown.
  func begin(length: Int?) throws {
    if hasBegun { throw ResponseError.begun }
    if let length {
      body = .length(remaining: status.isBodiless ? 0 : length)
    } else {
      body = isOld ? .untilClose : .chunked
      if isOld { keepsAlive = false }
    }
    if let requestBody, requestBody.isUninvited || requestBody.remaining > discardLimit { keepsAlive = false }
    requestBody = nil
    if Fiber.isDraining { keepsAlive = false }
    composeHead()
    if isHead || status.isBodiless { body = .ended }
    endsWithConnection = body == .untilClose
    try scratch.withUnsafeBytes { try pass($0) }
  }

  func forgetFields() { fields.removeAll(keepingCapacity: true) }

  private func composeHead() {
    scratch.removeAll(keepingCapacity: true)
    if status.code == 200 {
      scratch.append("HTTP/1.1 200 OK\r\n")
    } else {
      scratch.append("HTTP/1.1 ")
      scratch.append(decimal: status.code)
      scratch.append(.space)
      scratch.append(status.reason)
      scratch.append("\r\n")
    }
    date.append(to: &scratch)
    switch body {
    case _ where status.isBodiless: break
    case .length(let length):
      scratch.append("Content-Length: ")
      scratch.append(decimal: length)
      scratch.append("\r\n")
    case .chunked: scratch.append("Transfer-Encoding: chunked\r\n")
    default: break
    }
    if !keepsAlive {
      scratch.append("Connection: close\r\n")
    } else if isOld {
      scratch.append("Connection: keep-alive\r\n")
    }
    scratch.append(contentsOf: fields)
    scratch.append("\r\n")
  }

  // MARK: Passing on

  /// Writes to the buffer if the bytes fit, else to the client, with a timeout for every portion.
  func pass(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count <= output.capacity - output.bufferedCount { return try output.write(bytes) }
    var rest = bytes
    while !rest.isEmpty {
      let portion = UnsafeRawBufferPointer(rebasing: rest.prefix(Timeouts.portion))
      try inTime { try output.write(portion) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(portion.count))
    }
  }

  /// Sends all written bytes to the client.
  func flush() throws {
    if output.bufferedCount > 0 { try inTime { try output.flush() } }
  }

  private func inTime(_ body: () throws -> Void) throws {
    do { try withTimeout(timeout, body) } catch is TimeoutError { throw PeerTooSlowError() }
  }
}

/// The client reads its response too slowly.
struct PeerTooSlowError: Error, CustomStringConvertible {
  let description = "the client did not take its response in time"
}
