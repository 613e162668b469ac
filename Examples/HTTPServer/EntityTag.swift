/// The tag of one version of a file (RFC 9110, 8.8.3): `"5-2eb9f0a1.0"`.
///
/// A weak tag, `W/"5-2eb9f0a1.0"`, may stand for two versions: the file has changed so recently that another change
/// could leave its size and time the same.
struct EntityTag: Equatable, CustomStringConvertible {
  let isWeak: Bool
  /// The text between the quotes.
  let value: String

  var description: String { isWeak ? "W/\"\(value)\"" : "\"\(value)\"" }

  /// Whether both tags stand for equivalent versions.
  func matchesWeakly(_ other: EntityTag) -> Bool { value == other.value }

  /// Whether both tags stand for the same bytes.
  func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && value == other.value }

  /// The tags in a header's value; none if it is malformed.
  static func list(_ text: String) -> [EntityTag] {
    var rest = text.utf8[...]
    var tags: [EntityTag] = []
    while true {
      rest = rest.drop { $0.isBlank || $0 == .comma }
      if rest.isEmpty { return tags }
      let isWeak = rest.starts(with: "W/".utf8)
      if isWeak { rest = rest.dropFirst(2) }
      guard rest.popFirst() == UInt8(ascii: "\""), let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return [] }
      tags.append(EntityTag(isWeak: isWeak, value: String(decoding: rest[..<end], as: UTF8.self)))
      rest = rest[rest.index(after: end)...].drop(while: \.isBlank)
      guard rest.isEmpty || rest.first == .comma else { return [] }
    }
  }
}
