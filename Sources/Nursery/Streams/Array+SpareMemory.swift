extension [UInt8] {
  /// The most bytes that one read delivers into memory allocated here.
  static let mostAtOnce = 1 << 20

  /// The bytes that `read` stores, at most `count`; memory use follows the bytes that come, not `count`.
  init(upTo count: Int, atOnce most: Int = mostAtOnce, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows {
    require(count >= 0, "\(count) bytes cannot be read; write 0 or more")
    let read = try [UInt8](unsafeUninitializedCapacity: Swift.min(count, most)) { buffer, initialized in
      initialized = try read(UnsafeMutableRawBufferPointer(buffer))
    }
    self = read.withoutSpareMemory
  }

  /// The same bytes in memory of their size, if most of their memory is spare.
  ///
  /// For a short result of a read that had room for much more: a program may keep thousands of them.
  var withoutSpareMemory: [UInt8] {
    let spare = capacity - count
    return spare > count && spare >= 512 ? withUnsafeBytes { [UInt8]($0) } : self
  }
}
