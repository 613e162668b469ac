/// The words of a line, separated by spaces, as slices of the line.
struct Words {
  typealias Word = Slice<UnsafeRawBufferPointer>

  private var rest: Word

  init(_ line: Word) { rest = line }

  /// The next word; nil at the end of the line.
  mutating func next() -> Word? {
    rest = rest.drop { $0 == UInt8(ascii: " ") }
    guard !rest.isEmpty else { return nil }
    let word = rest.prefix { $0 != UInt8(ascii: " ") }
    rest = rest[word.endIndex...]
    return word
  }

  /// Whether all words have been taken.
  var isAtEnd: Bool { rest.allSatisfy { $0 == UInt8(ascii: " ") } }

  /// The rest of the line after the taken words.
  var remainder: Word { rest.drop { $0 == UInt8(ascii: " ") } }
}

extension Words.Word {
  static func == (word: Words.Word, text: StaticString) -> Bool {
    word.count == text.utf8CodeUnitCount && text.withUTF8Buffer { word.elementsEqual($0) }
  }

  static func != (word: Words.Word, text: StaticString) -> Bool { !(word == text) }
}

extension FixedWidthInteger {
  /// Parses a decimal number; nil if it is none, or too large for the type.
  init?(decimal digits: some Collection<UInt8>) {
    let isNegative = digits.first == UInt8(ascii: "-")
    guard !isNegative || Self.isSigned else { return nil }
    let magnitude = isNegative ? digits.dropFirst() : digits[...]
    guard !magnitude.isEmpty else { return nil }
    var value: Self = 0
    for digit in magnitude {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
      let number = Self(digit - UInt8(ascii: "0"))
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflows) =
        isNegative ? product.subtractingReportingOverflow(number) : product.addingReportingOverflow(number)
      if isTooLarge || overflows { return nil }
      value = sum
    }
    self = value
  }
}

extension [UInt8] {
  /// Appends a number in decimal.
  mutating func append(decimal value: some UnsignedInteger) {
    let start = count
    var rest = UInt64(value)
    repeat {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    self[start...].reverse()
  }
}
