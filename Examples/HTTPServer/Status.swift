/// A response's status: its code and reason.
struct Status: Hashable, Sendable, CustomStringConvertible {
  let code: Int
  let reason: StaticString

  static let ok = Status(200, "OK")
  static let created = Status(201, "Created")
  static let noContent = Status(204, "No Content")
  static let partialContent = Status(206, "Partial Content")
  static let movedPermanently = Status(301, "Moved Permanently")
  static let notModified = Status(304, "Not Modified")
  static let badRequest = Status(400, "Bad Request")
  static let forbidden = Status(403, "Forbidden")
  static let notFound = Status(404, "Not Found")
  static let methodNotAllowed = Status(405, "Method Not Allowed")
  static let requestTimeout = Status(408, "Request Timeout")
  static let preconditionFailed = Status(412, "Precondition Failed")
  static let contentTooLarge = Status(413, "Content Too Large")
  static let targetTooLong = Status(414, "URI Too Long")
  static let rangeNotSatisfiable = Status(416, "Range Not Satisfiable")
  static let expectationFailed = Status(417, "Expectation Failed")
  static let headTooLarge = Status(431, "Request Header Fields Too Large")
  static let internalError = Status(500, "Internal Server Error")
  static let notImplemented = Status(501, "Not Implemented")
  static let versionNotSupported = Status(505, "HTTP Version Not Supported")

  /// Creates a status; `code` has three digits and is 200 or more.
  init(_ code: Int, _ reason: StaticString) {
    precondition(
      (200...999).contains(code), "\(code) is not the status of a final response; write a number from 200 to 999")
    self.code = code
    self.reason = reason
  }

  /// Whether a response with this status has no body, whatever its headers say.
  var isBodiless: Bool { code == 204 || code == 304 }

  var description: String { "\(code) \(reason)" }

  static func == (one: Status, other: Status) -> Bool { one.code == other.code }
  func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
