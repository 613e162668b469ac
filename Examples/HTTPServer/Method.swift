/// A request's method.
enum Method: Hashable, Sendable {
  case get
  case head
  case post
  case put
  case delete
  case options
  case patch
  case trace
  case connect
  /// A method that HTTP itself does not define; see `Request.methodName`.
  case other

  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    // Methods are case-sensitive.
    func isText(_ text: StaticString) -> Bool {
      for offset in 0..<range.count where bytes[range.lowerBound + offset] != text.utf8Start[offset] { return false }
      return true
    }
    switch range.count {
    case 3: self = isText("GET") ? .get : isText("PUT") ? .put : .other
    case 4: self = isText("HEAD") ? .head : isText("POST") ? .post : .other
    case 5: self = isText("PATCH") ? .patch : isText("TRACE") ? .trace : .other
    case 6: self = isText("DELETE") ? .delete : .other
    case 7: self = isText("OPTIONS") ? .options : isText("CONNECT") ? .connect : .other
    default: self = .other
    }
  }
}
