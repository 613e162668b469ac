/// What a fiber waits for, in a word that stays good for ever: a type, or the address of a text.
package struct WaitKind: Sendable, Hashable {
  package let word: UInt

  /// No address of a program's has this bit.
  private static let isText: UInt = 1 << 63

  package init(word: UInt) { self.word = word }
  package init(_ type: AnyClass) { word = unsafeBitCast(type, to: UInt.self) }
  package init(_ text: StaticString) { word = UInt(bitPattern: text.utf8Start) | Self.isText }

  /// The text; nil for a type.
  package var text: String? {
    if word & Self.isText == 0 { return nil }
    return UnsafePointer<CChar>(bitPattern: word & ~Self.isText).map { String(cString: $0) }
  }

  /// The type; nil for a text.
  package var type: AnyClass? {
    word == 0 || word & Self.isText != 0 ? nil : unsafeBitCast(word, to: AnyClass.self)
  }
}
