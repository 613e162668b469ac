/// The texts and numbers of a JSON object on a line; objects and arrays in it are skipped.
struct JSONFields {
  private enum Value {
    case text(String)
    case number(Double)
    case other
  }

  private var values: [String: Value] = [:]

  func text(_ names: String...) -> String? { text(names) }
  func number(_ names: String...) -> Double? { number(names) }

  /// The first of the fields that is a text.
  func text(_ names: [String]) -> String? {
    names.lazy.compactMap { if case .text(let text) = values[$0] { text } else { nil } }.first
  }

  /// The first of the fields that is a number, or a text of one, as some programs write it.
  func number(_ names: [String]) -> Double? {
    names.lazy.compactMap { name in
      switch values[name] {
      case .number(let number): number
      case .text(let text): Double(text)
      default: nil
      }
    }.first
  }

  // MARK: Reading

  /// Nil if it is no object.
  init?(_ line: String) {
    var rest = Array(line.utf8)[...]
    guard Self.take("{", &rest) else { return nil }
    if !Self.take("}", &rest) {
      repeat {
        guard let name = Self.string(&rest), Self.take(":", &rest), let value = Self.value(&rest) else { return nil }
        values[name] = value
      } while Self.take(",", &rest)
      guard Self.take("}", &rest) else { return nil }
    }
    Self.skipSpace(&rest)
    guard rest.isEmpty else { return nil }
  }

  private static func skipSpace(_ rest: inout ArraySlice<UInt8>) { rest = rest.drop { $0 == 32 || 9...13 ~= $0 } }

  private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
    skipSpace(&rest)
    guard rest.first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  private static func value(_ rest: inout ArraySlice<UInt8>) -> Value? {
    skipSpace(&rest)
    switch rest.first {
    case UInt8(ascii: "\"")?: return string(&rest).map { .text($0) }
    case UInt8(ascii: "{")?, UInt8(ascii: "[")?: return skipNested(&rest) ? .other : nil
    default:
      let word = rest.prefix { !",}] \t".utf8.contains($0) }
      rest = rest[word.endIndex...]
      let text = String(decoding: word, as: UTF8.self)
      if ["true", "false", "null"].contains(text) { return .other }
      return Double(text).map { .number($0) }
    }
  }

  /// Without a recursion, so that a line of brackets cannot exhaust the stack.
  private static func skipNested(_ rest: inout ArraySlice<UInt8>) -> Bool {
    var depth = 0
    repeat {
      switch rest.first {
      case nil: return false
      case UInt8(ascii: "\"")?:
        guard string(&rest) != nil else { return false }
        continue
      case UInt8(ascii: "{")?, UInt8(ascii: "[")?: depth += 1
      case UInt8(ascii: "}")?, UInt8(ascii: "]")?: depth -= 1
      default: break
      }
      rest.removeFirst()
    } while depth > 0
    return true
  }

  private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard take("\"", &rest) else { return nil }
    var units: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        units.append(byte)
        continue
      }
      guard let escaped = rest.popFirst() else { return nil }
      switch escaped {
      case UInt8(ascii: "n"): units.append(10)
      case UInt8(ascii: "t"): units.append(9)
      case UInt8(ascii: "r"): units.append(13)
      case UInt8(ascii: "b"): units.append(8)
      case UInt8(ascii: "f"): units.append(12)
      case UInt8(ascii: "u"):
        guard let code = UInt32(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) else { return nil }
        rest = rest.dropFirst(4)
        // A half of a pair, which no host or time has, becomes a replacement character.
        units += String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8
      default: units.append(escaped)
      }
    }
    return nil
  }
}
