/// The decoded parts of a request's path.
///
/// It names a file below a folder, never outside.
///
///     "/a/b%20c.txt"   ["a", "b c.txt"]
///     "/a/"            ["a", ""]: the folder
///     "/../a"          nil: a path never leaves the folder, in any encoding
///
/// Parts that begin with a dot are refused, and with them hidden files.
struct FilePath: Equatable {
  let parts: [String]

  /// Nil for a path that must not be served.
  init?(_ path: some Collection<UInt8>) {
    // An empty path means the folder itself.
    guard path.isEmpty || path.first == .slash else { return nil }
    var parts: [String] = []
    for part in path.dropFirst().split(separator: .slash, omittingEmptySubsequences: false) {
      guard let decoded = Self.decoded(part), decoded.first != UInt8(ascii: "."),
        !decoded.contains(where: { $0 == .slash || $0 == 0 }), let text = String(validating: decoded, as: UTF8.self)
      else { return nil }
      parts.append(text)
    }
    // Two slashes in a row are refused.
    guard !parts.dropLast().contains("") else { return nil }
    self.parts = parts
  }

  var isFolder: Bool { parts.last == "" }
  /// The file's name, or the folder's.
  var name: Substring { (parts.last { $0 != "" } ?? "")[...] }
  /// The path below a root, without a slash at the end.
  func path(below root: String) -> String { (CollectionOfOne(root) + parts.filter { $0 != "" }).joined(separator: "/") }

  /// Decodes `%20` and the like; nil if they are malformed.
  private static func decoded(_ part: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var iterator = part.makeIterator()
    while let byte = iterator.next() {
      if byte == UInt8(ascii: "%") {
        guard let high = iterator.next()?.hexDigit, let low = iterator.next()?.hexDigit else { return nil }
        bytes.append(UInt8(high << 4 | low))
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
