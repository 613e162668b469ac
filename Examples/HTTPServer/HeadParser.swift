#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Parses a request's head from bytes that come in pieces; independent of connections.
///
///     first line ──> headers ──> an empty line ──> checks ──> head
///
/// Each call gets all bytes of the head that have come, from the first on. Each line is parsed once, when it is
/// complete, so the sizes of the pieces make no difference. Strict where a disagreement between servers would allow
/// request smuggling (RFC 9112, 11.2): a line ends with CR LF, a name ends at the colon, no header continues on the
/// next line, and the body's length is stated once.
struct HeadParser {
  let limits: Limits
  /// The beginning of the first incomplete line.
  private var lineStart = 0
  /// The incomplete line has no line feed before this place.
  private var sought = 0
  private var isFirstLine = true
  private var framing = FramingFields()

  init(limits: Limits) {
    self.limits = limits
  }

  /// Returns the length of the head; nil if it is not complete.
  ///
  /// After the head, and after an error, parsing begins anew.
  mutating func parse(_ bytes: UnsafeRawBufferPointer, into head: inout RequestHead) throws(HTTPError) -> Int? {
    if sought == 0 { head.clear() }
    do {
      guard let end = try parseLines(bytes, into: &head) else { return nil }
      try framing.settle(&head)
      head.bytes.append(contentsOf: bytes.prefix(end))
      self = HeadParser(limits: limits)
      return end
    } catch {
      self = HeadParser(limits: limits)
      throw error
    }
  }

  private mutating func parseLines(
    _ bytes: UnsafeRawBufferPointer, into head: inout RequestHead
  ) throws(HTTPError) -> Int? {
    while sought < bytes.count,
      let found = memchr(bytes.baseAddress! + sought, Int32(UInt8.lineFeed), bytes.count - sought)
    {
      let next = UnsafeRawPointer(found) - bytes.baseAddress! + 1
      try checkLimits(next, head)
      let end = next - 2
      guard end >= lineStart, bytes[end] == .carriageReturn else {
        throw HTTPError(.badRequest, "a line must end with CR LF")
      }
      let line = lineStart..<end
      lineStart = next
      sought = next
      if isFirstLine {
        // Some clients send an extra empty line after a body.
        if line.isEmpty { continue }
        try head.parseRequestLine(bytes, line)
        isFirstLine = false
      } else if line.isEmpty {
        return next
      } else {
        guard head.fields.count < limits.fields else {
          throw HTTPError(.headTooLarge, "a request may have \(limits.fields) headers")
        }
        let field = try head.parseField(bytes, line)
        try framing.note(field, bytes)
      }
    }
    sought = bytes.count
    try checkLimits(bytes.count, head)
    return nil
  }

  /// - Parameter end: how many bytes of the head are known up to this line's end.
  private func checkLimits(_ end: Int, _ head: RequestHead) throws(HTTPError) {
    if isFirstLine, end - lineStart > limits.requestLine {
      throw HTTPError(.targetTooLong, "the first line may have \(limits.requestLine) bytes")
    }
    if end > limits.head { throw HTTPError(.headTooLarge, "the head may have \(limits.head) bytes") }
  }
}

extension RequestHead {
  /// Parses the first line: `GET /path?query HTTP/1.1`.
  fileprivate mutating func parseRequestLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPError) {
    var place = line.lowerBound
    while place < line.upperBound, bytes[place].isToken { place += 1 }
    guard place > line.lowerBound, place < line.upperBound, bytes[place] == .space else {
      throw HTTPError(.badRequest, "the first line must begin with a method and a space")
    }
    methodName = line.lowerBound..<place
    method = Method(bytes, methodName)

    let targetStart = place + 1
    place = targetStart
    while place < line.upperBound, bytes[place].isTarget { place += 1 }
    guard place > targetStart, place < line.upperBound, bytes[place] == .space else {
      throw HTTPError(.badRequest, "the method must be followed by a target without blanks, and a version")
    }
    target = targetStart..<place
    guard isTargetAllowed(bytes) else {
      throw HTTPError(.badRequest, "the target must be a path, or an address with http://")
    }
    try parseVersion(bytes, place + 1..<line.upperBound)
  }

  private func isTargetAllowed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes[target.lowerBound] == .slash { return method != .connect }
    if method == .connect { return bytes[target].allSatisfy(\.isHost) }
    if target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") { return method == .options }
    return ["http://", "https://"].contains { (scheme: StaticString) in
      let length = scheme.utf8CodeUnitCount
      return target.count > length && bytes.holds(scheme, in: target.lowerBound..<target.lowerBound + length)
        && bytes[target.lowerBound + length] != .slash
    }
  }

  private mutating func parseVersion(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPError) {
    let start = range.lowerBound
    let name: StaticString = "HTTP/"
    guard range.count == 8, (0..<5).allSatisfy({ bytes[start + $0] == name.utf8Start[$0] }),
      let major = bytes[start + 5].digit, bytes[start + 6] == UInt8(ascii: "."), let minor = bytes[start + 7].digit
    else { throw HTTPError(.badRequest, "the first line must end with a version: HTTP/1.1") }
    guard major == 1 else { throw HTTPError(.versionNotSupported, "this server speaks HTTP/1.1 and HTTP/1.0") }
    minorVersion = min(minor, 1)
  }

  /// Adds a header: `Name: value`.
  fileprivate mutating func parseField(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPError) -> Field {
    var colon = line.lowerBound
    while colon < line.upperBound, bytes[colon].isToken { colon += 1 }
    guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == .colon else {
      throw HTTPError(.badRequest, "a header must begin with its name and a colon, without blanks")
    }
    let value = bytes.trimmed(colon + 1..<line.upperBound)
    for place in value where !bytes[place].isFieldText {
      throw HTTPError(.badRequest, "a header must not contain control characters")
    }
    let field = Field(
      nameStart: UInt32(line.lowerBound), nameEnd: UInt32(colon), valueStart: UInt32(value.lowerBound),
      valueEnd: UInt32(value.upperBound))
    fields.append(field)
    return field
  }
}
