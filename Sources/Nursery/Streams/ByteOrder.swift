/// In which order the bytes of an integer stand in a stream.
public enum ByteOrder: Sendable, Hashable {
  /// The most significant byte first: that of the Internet protocols.
  case bigEndian
  /// The least significant byte first.
  case littleEndian
}

extension ByteOrder {
  /// An integer as it stands in memory when its bytes are in this order; and back.
  func arranged<Integer: FixedWidthInteger>(_ value: Integer) -> Integer {
    self == .bigEndian ? value.bigEndian : value.littleEndian
  }
}
