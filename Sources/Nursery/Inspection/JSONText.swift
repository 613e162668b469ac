/// Writes JSON (RFC 8259), without spaces.
struct JSONText {
  private(set) var text = ""
  private var isFirst = true

  private mutating func separate() {
    if !isFirst { text += "," }
    isFirst = false
  }

  private mutating func key(_ key: String) {
    separate()
    text += "\"\(key)\":"
  }

  mutating func object(_ body: (inout JSONText) -> Void) {
    separate()
    text += "{"
    isFirst = true
    body(&self)
    text += "}"
    isFirst = false
  }

  /// What has been written so far, in pieces.
  mutating func takeText() -> String {
    defer { text = "" }
    return text
  }

  mutating func array<Elements: Sequence>(
    _ name: String, _ elements: Elements, _ write: (inout JSONText, Elements.Element) -> Void
  ) {
    key(name)
    text += "["
    isFirst = true
    for element in elements { write(&self, element) }
    text += "]"
    isFirst = false
  }

  mutating func field(_ name: String, _ value: (some BinaryInteger)?) {
    key(name)
    text += value.map { "\($0)" } ?? "null"
  }

  /// - Parameter json: a value as text.
  mutating func field(_ name: String, json: String) {
    key(name)
    text += json
  }

  mutating func object(_ name: String, _ body: (inout JSONText) -> Void) {
    key(name)
    isFirst = true
    object(body)
  }

  mutating func field(_ name: String, _ value: Bool) {
    key(name)
    text += value ? "true" : "false"
  }

  /// In seconds, to the microsecond.
  mutating func field(_ name: String, seconds nanoseconds: Int64?) {
    key(name)
    guard let nanoseconds else { return text += "null" }
    let microseconds = abs(nanoseconds / 1000)
    let digits = "\(microseconds % 1_000_000 + 1_000_000)".dropFirst()
    text += "\(nanoseconds < 0 ? "-" : "")\(microseconds / 1_000_000).\(digits)"
  }

  /// In microseconds, to the nanosecond.
  mutating func field(_ name: String, microseconds nanoseconds: Int64) {
    key(name)
    let digits = "\(abs(nanoseconds) % 1000 + 1000)".dropFirst()
    text += "\(nanoseconds < 0 ? "-" : "")\(abs(nanoseconds) / 1000).\(digits)"
  }

  mutating func field(_ name: String, _ value: String?) {
    key(name)
    guard let value else { return text += "null" }
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
