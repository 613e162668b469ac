/// A JSON value, as a console sends it.
package enum JSONValue {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  package subscript(_ name: String) -> JSONValue {
    if case .object(let fields) = self { return fields[name] ?? .null }
    return .null
  }

  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var number: Double { if case .number(let number) = self { number } else { 0 } }
  package var integer: Int { Int(clamping: Int64(max(-1e18, min(1e18, number)))) }
  package var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  package var isTrue: Bool { if case .bool(true) = self { true } else { false } }
  package var isNull: Bool { if case .null = self { true } else { false } }

  /// Reads a whole text; nil if it is not JSON.
  package init?(_ text: String) {
    var parser = Parser(bytes: Array(text.utf8))
    guard let value = parser.value(depth: 0), parser.isAtEnd else { return nil }
    self = value
  }

  private struct Parser {
    let bytes: [UInt8]
    var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return index == bytes.count
      }
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
      while let byte = next, byte == 32 || (9...13).contains(byte) { index += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
      skipSpace()
      guard next == character.asciiValue else { return false }
      index += 1
      return true
    }

    private mutating func word(_ word: String, _ value: JSONValue) -> JSONValue? {
      guard bytes[index...].starts(with: word.utf8) else { return nil }
      index += word.utf8.count
      return value
    }

    mutating func value(depth: Int) -> JSONValue? {
      skipSpace()
      guard depth < 100, let byte = next else { return nil }
      switch byte {
      case UInt8(ascii: "{"): return object(depth)
      case UInt8(ascii: "["): return array(depth)
      case UInt8(ascii: "\""): return string().map { .string($0) }
      case UInt8(ascii: "t"): return word("true", .bool(true))
      case UInt8(ascii: "f"): return word("false", .bool(false))
      case UInt8(ascii: "n"): return word("null", .null)
      default: return number()
      }
    }

    private mutating func object(_ depth: Int) -> JSONValue? {
      index += 1
      var fields: [String: JSONValue] = [:]
      if take("}") { return .object(fields) }
      repeat {
        skipSpace()
        guard next == UInt8(ascii: "\""), let name = string(), take(":"), let value = value(depth: depth + 1) else {
          return nil
        }
        fields[name] = value
      } while take(",")
      return take("}") ? .object(fields) : nil
    }

    private mutating func array(_ depth: Int) -> JSONValue? {
      index += 1
      var elements: [JSONValue] = []
      if take("]") { return .array(elements) }
      repeat {
        guard let value = value(depth: depth + 1) else { return nil }
        elements.append(value)
      } while take(",")
      return take("]") ? .array(elements) : nil
    }

    private mutating func number() -> JSONValue? {
      let start = index
      while let byte = next, "+-.eE0123456789".utf8.contains(byte) { index += 1 }
      return Double(String(decoding: bytes[start..<index], as: UTF8.self)).map { .number($0) }
    }

    private mutating func string() -> String? {
      index += 1
      var text: [UInt8] = []
      while let byte = next {
        index += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
        guard byte == UInt8(ascii: "\\") else {
          text.append(byte)
          continue
        }
        guard let escaped = next else { return nil }
        index += 1
        switch escaped {
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "u"):
          // A console escapes control characters only, so there are no pairs of surrogates.
          guard index + 4 <= bytes.count,
            let code = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
          else { return nil }
          index += 4
          text += String(Unicode.Scalar(code) ?? "?").utf8
        default: text.append(escaped)
        }
      }
      return nil
    }
  }
}
