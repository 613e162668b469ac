/// The parts of a file that a `Range` header asks for (RFC 9110, 14.2).
///
///     bytes=0-99           the first 100 bytes
///     bytes=100-           all but these
///     bytes=-100           the last 100 bytes
///     bytes=0-9,50-59      two parts
///
/// A header that is malformed, or has another unit, is ignored. So is a header whose parts would cost more than the
/// file: more than `mostParts` parts, or several parts with more bytes in all than the file.
enum ByteRanges: Equatable {
  case whole
  case parts([Range<Int>])
  /// All parts are outside the file.
  case unsatisfiable

  static let mostParts = 32

  /// - Parameter length: the file's length.
  init(_ header: String, length: Int) {
    guard let specifiers = Self.specifiers(header), specifiers.count <= Self.mostParts, length > 0 else {
      self = .whole
      return
    }
    let parts = specifiers.compactMap { $0.range(length) }
    if parts.isEmpty {
      self = .unsatisfiable
    } else if parts.count > 1, parts.reduce(0, { $0 + $1.count }) > length {
      self = .whole
    } else {
      self = .parts(parts)
    }
  }

  private enum Specifier {
    case from(Int, through: Int)
    case last(Int)

    /// The bytes of a file with this length; nil if there are none.
    func range(_ length: Int) -> Range<Int>? {
      switch self {
      case .from(let first, let last): first < length ? first..<min(last, length - 1) + 1 : nil
      case .last(let count): count > 0 ? length - min(count, length)..<length : nil
      }
    }
  }

  /// Nil if the header is malformed.
  private static func specifiers(_ header: String) -> [Specifier]? {
    let bytes = header.utf8
    guard header.prefix(6).lowercased() == "bytes=" else { return nil }
    var specifiers: [Specifier] = []
    // Elements of a list may be empty.
    for element in bytes.dropFirst(6).split(separator: .comma) {
      let text = element.drop(while: \.isBlank)
      guard let end = text.lastIndex(where: { !$0.isBlank }) else { continue }
      guard let specifier = specifier(text[...end]) else { return nil }
      specifiers.append(specifier)
    }
    return specifiers.isEmpty ? nil : specifiers
  }

  private static func specifier(_ text: Substring.UTF8View) -> Specifier? {
    let ends = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard ends.count == 2, let low = position(ends[0]), let high = position(ends[1]) else { return nil }
    switch (low, high) {
    case (nil, let count?): return .last(count)
    case (let first?, nil): return .from(first, through: .max)
    case (let first?, let last?): return first <= last ? .from(first, through: last) : nil
    case (nil, nil): return nil
    }
  }

  /// A number, limited to the largest `Int`; an inner nil for an empty text, nil for anything else.
  private static func position(_ text: Substring.UTF8View) -> Int?? {
    if text.isEmpty { return .some(nil) }
    var value = 0
    for byte in text {
      guard let digit = byte.digit else { return nil }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(digit)
      value = isTooLarge || overflows ? .max : sum
    }
    return value
  }
}
