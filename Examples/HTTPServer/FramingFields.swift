/// The headers that determine the body's end and whether the connection is kept.
///
/// Refuses ambiguous combinations.
struct FramingFields {
  private var length: Int?
  private var isChunked = false
  private var hosts = 0
  private var closes = false
  private var keepsAlive = false
  private var expectation: Bool?

  /// Reads a header.
  mutating func note(_ field: RequestHead.Field, _ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
    switch field.nameEnd - field.nameStart {
    case 4 where bytes.holds("host", in: field.name):
      hosts += 1
      guard bytes[field.value].allSatisfy(\.isHost) else { throw HTTPError(.badRequest, "the host is none") }
    case 6 where bytes.holds("expect", in: field.name):
      expectation = bytes.holds("100-continue", in: field.value) && expectation != false
    case 10 where bytes.holds("connection", in: field.name):
      noteConnection(field, bytes)
    case 14 where bytes.holds("content-length", in: field.name):
      try noteLength(field, bytes)
    case 17 where bytes.holds("transfer-encoding", in: field.name):
      guard !isChunked else { throw HTTPError(.badRequest, "the body can be chunked once") }
      guard bytes.holds("chunked", in: field.value) else {
        throw HTTPError(.notImplemented, "the only transfer encoding here is 'chunked'")
      }
      isChunked = true
    default: break
    }
  }

  /// The length must be digits only, and a repeated header must have the same value.
  private mutating func noteLength(_ field: RequestHead.Field, _ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
    var number = 0
    for place in field.value {
      guard let digit = bytes[place].digit else { throw HTTPError(.badRequest, "the content length must be a number") }
      let (ten, overflows) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = ten.addingReportingOverflow(digit)
      guard !overflows, !overflowsToo else { throw HTTPError(.contentTooLarge, "the length is too large") }
      number = sum
    }
    guard !field.value.isEmpty else { throw HTTPError(.badRequest, "the content length must be a number") }
    guard length == nil || length == number else { throw HTTPError(.badRequest, "there are two content lengths") }
    length = number
  }

  private mutating func noteConnection(_ field: RequestHead.Field, _ bytes: UnsafeRawBufferPointer) {
    var start = field.value.lowerBound
    while start <= field.value.upperBound {
      let end = bytes[start..<field.value.upperBound].firstIndex(of: .comma) ?? field.value.upperBound
      let option = bytes.trimmed(start..<end)
      if bytes.holds("close", in: option) { closes = true }
      if bytes.holds("keep-alive", in: option) { keepsAlive = true }
      start = end + 1
    }
  }

  /// Stores the combined result in the head.
  func settle(_ head: inout RequestHead) throws(HTTPError) {
    let isOld = head.minorVersion == 0
    guard hosts == 1 || isOld && hosts == 0 else { throw HTTPError(.badRequest, "there must be one host") }
    if isChunked {
      guard length == nil else { throw HTTPError(.badRequest, "a chunked body has no content length") }
      guard !isOld else { throw HTTPError(.badRequest, "HTTP/1.0 has no chunks") }
      head.framing = .chunked
    } else if let length, length > 0 {
      head.framing = .length(length)
    }
    head.keepsAlive = isOld ? keepsAlive && !closes : !closes
    guard let expectation, !isOld else { return }
    guard expectation else { throw HTTPError(.expectationFailed, "the only expectation here is '100-continue'") }
    head.expectsContinue = head.framing != .none
  }
}
