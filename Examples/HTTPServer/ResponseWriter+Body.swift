import Nursery

extension ResponseWriter {
  /// Sends a whole response with this text as its body.
  func send(_ text: String, type: String? = nil) throws {
    var text = text
    try text.withUTF8 { try send(UnsafeRawBufferPointer($0), type: type) }
  }

  /// Sends a whole response with these bytes for its body.
  func send(_ bytes: [UInt8], type: String? = nil) throws { try bytes.withUnsafeBytes { try send($0, type: type) } }

  /// Sends a whole response with these bytes for its body.
  func send(_ bytes: UnsafeRawBufferPointer, type: String? = nil) throws {
    if let type { try add("Content-Type", type) }
    try begin(length: bytes.count)
    try write(bytes)
  }

  /// Sends a stream's bytes as the body, or its rest: up to the stream's end, or up to the announced length.
  ///
  /// The head is sent with the first bytes: if the stream is the request's body, the client may still wait for "100
  /// Continue".
  ///
  /// - Parameter count: the most bytes to send.
  func send(from stream: some ReadableStream, count: Int = .max) throws {
    var rest = count
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Timeouts.portion, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      var wanted = min(buffer.count, rest)
      if case .length(let remaining) = body { wanted = min(wanted, remaining) }
      if wanted == 0 || body == .ended { return }
      let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(wanted)))
      if count == 0 { return }
      try write(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
      rest -= count
    }
  }

  /// Writes a part of the body; sends the head first, if it has not been sent.
  func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes a part of the body.
  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Writes a part of the body.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if !hasBegun { try begin(length: nil) }
    if bytes.isEmpty { return }
    switch body {
    case .length(let remaining):
      guard bytes.count <= remaining else { throw ResponseError.tooLong(length: remaining) }
      try pass(bytes)
      body = .length(remaining: remaining - bytes.count)
    case .chunked:
      var line: [UInt8] = []
      line.append(hex: bytes.count)
      line.append("\r\n")
      try line.withUnsafeBytes { try pass($0) }
      try pass(bytes)
      try pass("\r\n")
    case .untilClose: try pass(bytes)
    case .notBegun, .ended: break
    }
  }

  /// Completes the response when the handler has returned; if it has sent nothing, the body is empty.
  func finish() throws {
    if !hasBegun { try begin(length: 0) }
    switch body {
    case .length(let remaining) where remaining > 0: throw ResponseError.tooShort(missing: remaining)
    case .chunked: try pass("0\r\n\r\n")
    default: break
    }
    body = .ended
  }

  /// Answers that the handler has failed; called only if nothing has been sent.
  func fail() throws {
    forgetFields()
    status = .internalError
    try send("the server has failed to answer this\n", type: "text/plain; charset=utf-8")
  }

  /// Sends "100 Continue", for which the client waits before it sends the body.
  func inviteBody() throws {
    if hasBegun { return }
    try pass("HTTP/1.1 100 Continue\r\n\r\n")
    try flush()
  }

  private func pass(_ text: StaticString) throws {
    try pass(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
