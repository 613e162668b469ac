/// The key of an item: up to 250 bytes, without spaces and line ends.
package struct Key: Hashable, Sendable {
  /// The protocol's limit for the length of a key.
  static let longest = 250

  let bytes: [UInt8]

  init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  package func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}
