/// What an item is called: up to 250 bytes, none of them a space or the end of a line.
package struct Key: Hashable, Sendable {
  /// How long a key may be; the protocol says so.
  static let longest = 250

  let bytes: [UInt8]

  init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  package func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}
