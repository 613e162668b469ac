/// The character classes of HTTP, by bit masks and comparisons.
extension UInt8 {
  static let tab: UInt8 = 9
  static let lineFeed: UInt8 = 10
  static let carriageReturn: UInt8 = 13
  static let space: UInt8 = 32
  static let colon = UInt8(ascii: ":")
  static let comma = UInt8(ascii: ",")
  static let slash = UInt8(ascii: "/")

  /// Whether it may be in a method or in a header's name.
  var isToken: Bool {
    // A bit for each of ! # $ % & ' * + - . ^ _ ` | ~ and the letters and digits.
    let bits: UInt64 = self < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return self < 128 && bits >> UInt64(self & 63) & 1 == 1
  }

  /// Whether it may be in a header's value.
  var isFieldText: Bool { self >= .space && self != 127 || self == .tab }

  /// Whether it may be in a request's target: a visible ASCII character, but not "#".
  var isTarget: Bool { self > .space && self < 127 && self != UInt8(ascii: "#") }

  /// Whether it may be in the name of a host, with its port.
  var isHost: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: ":"):
      true
    case UInt8(ascii: "%")...UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: ";"),
      UInt8(ascii: "="):
      true
    case UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "["), UInt8(ascii: "]"): true
    default: false
    }
  }

  var isBlank: Bool { self == .space || self == .tab }

  /// The value of a decimal digit.
  var digit: Int? { self &- UInt8(ascii: "0") < 10 ? Int(self &- UInt8(ascii: "0")) : nil }

  /// The value of a hexadecimal digit.
  var hexDigit: Int? {
    if let digit { return digit }
    let letter = self | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "f") ? Int(letter - UInt8(ascii: "a")) + 10 : nil
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes in `range` are this text, regardless of case; `text` is in lower case.
  func holds(_ text: StaticString, in range: Range<Int>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for offset in 0..<range.count where self[range.lowerBound + offset] | 0x20 != text.utf8Start[offset] {
      return false
    }
    return true
  }

  /// The range without blanks at its ends.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, self[start].isBlank { start += 1 }
    while start < end, self[end - 1].isBlank { end -= 1 }
    return start..<end
  }
}

extension [UInt8] {
  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(decimal number: Int) {
    if number >= 10 { append(decimal: number / 10) }
    append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  mutating func append(hex number: Int) {
    if number >= 16 { append(hex: number >> 4) }
    let digit = UInt8(number & 15)
    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}
