/// A request's first line and its headers, as ranges of one array of bytes.
///
/// Strings are made on access. The memory is kept from one request to the next.
struct RequestHead {
  /// The ranges of a header.
  struct Field {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
  }

  /// How the end of the body is found.
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  var bytes: [UInt8] = []
  var fields: [Field] = []
  var method = Method.get
  var methodName = 0..<0
  var target = 0..<0
  /// 1 for HTTP/1.1.
  var minorVersion = 1
  var framing = Framing.none
  /// Whether the client wants to send more requests over this connection.
  var keepsAlive = true
  /// Whether the client waits for "100 Continue" before it sends the body.
  var expectsContinue = false

  /// Discards the request, but keeps the memory unless it is large.
  mutating func clear() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 2048)
    fields.removeAll(keepingCapacity: fields.capacity <= 64)
    framing = .none
    expectsContinue = false
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The first header of this name, regardless of case.
  func firstField(_ name: String) -> Field? {
    var name = name
    return name.withUTF8 { name in
      fields.first { field in
        field.nameEnd - field.nameStart == name.count
          && zip(bytes[field.name], name).allSatisfy { $0 == $1 || $0 | 0x20 == $1 | 0x20 && $0.isLetter }
      }
    }
  }
}

extension UInt8 {
  fileprivate var isLetter: Bool { (self | 0x20) &- UInt8(ascii: "a") < 26 }
}
