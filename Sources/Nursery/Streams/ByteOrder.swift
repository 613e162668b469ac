/// The order of an integer's bytes in a stream.
public enum ByteOrder: Sendable, Hashable {
  /// The most significant byte first, as in the Internet protocols.
  case bigEndian
  /// The least significant byte first.
  case littleEndian
}

extension ByteOrder {
  /// Converts an integer between the processor's byte order and this one.
  func arranged<Integer: FixedWidthInteger>(_ value: Integer) -> Integer {
    self == .bigEndian ? value.bigEndian : value.littleEndian
  }
}
