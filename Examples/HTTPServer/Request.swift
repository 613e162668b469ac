/// A client's request.
///
///     request.method           .get
///     request.path             "/a%20b", as it was sent
///     request.query            "x=1&y=2"
///     request["User-Agent"]    the first header of that name
///     request.body             to be read, if the handler wants to
///
/// Belongs to the fiber that serves the connection. Each access makes new strings.
final class Request {
  var head = RequestHead()
  /// The body; empty if there is none.
  private(set) var body: RequestBody

  init() { body = RequestBody() }

  var method: Method { head.method }
  /// The method as it was sent: "GET".
  var methodName: String { head.text(head.methodName) }
  /// The target as it was sent, path and query: "/search?q=fibers".
  var target: String { head.text(head.target) }
  /// The path as it was sent, still encoded: "/a%20b".
  var path: String { head.text(head.path) }
  /// The part after the path's question mark.
  var query: String? { head.query.map(head.text) }
  /// "HTTP/1.1" or "HTTP/1.0".
  var version: String { "HTTP/1.\(head.minorVersion)" }

  /// The value of the first header of this name, regardless of case.
  subscript(name: String) -> String? { head.firstField(name).map { head.text($0.value) } }

  /// The values of all headers of this name, as one list; nil if there are none.
  func list(_ name: String) -> String? {
    guard head.firstField(name) != nil else { return nil }
    let name = name.lowercased()
    return headers.filter { $0.name.lowercased() == name }.map(\.value).joined(separator: ", ")
  }

  /// All headers, in the order in which they were sent.
  var headers: [(name: String, value: String)] { head.fields.map { (head.text($0.name), head.text($0.value)) } }

  /// Whether the target is this path, with or without a query; allocates no string.
  func isFor(_ path: StaticString) -> Bool {
    head.bytes.withUnsafeBytes { bytes in
      let range = head.path
      guard range.count == path.utf8CodeUnitCount else { return false }
      return (0..<range.count).allSatisfy { bytes[range.lowerBound + $0] == path.utf8Start[$0] }
    }
  }

  /// Makes a new body object, because a handler may have kept the previous one.
  func renewBody() {
    if !isKnownUniquelyReferenced(&body) { body = RequestBody() }
  }
}

extension RequestHead {
  /// The range of the path: after the host, if there is one, up to a question mark.
  var path: Range<Int> {
    let full = bytes[target]
    let start =
      full.first == .slash || method == .connect || full.first == UInt8(ascii: "*")
      ? target.lowerBound
      // http://host/path
      : full.dropFirst(8).firstIndex { $0 == .slash || $0 == UInt8(ascii: "?") } ?? target.upperBound
    return start..<(bytes[start..<target.upperBound].firstIndex(of: UInt8(ascii: "?")) ?? target.upperBound)
  }

  var query: Range<Int>? { path.upperBound < target.upperBound ? path.upperBound + 1..<target.upperBound : nil }
}
