extension [UInt8] {
  /// What a stream delivers at a time, at most, into memory of ours.
  static let mostAtOnce = 1 << 20

  /// The bytes that `read` puts into memory, at most `count`: memory is taken for what comes, not for what is asked
  /// for.
  init(upTo count: Int, atOnce most: Int = mostAtOnce, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows {
    precondition(count >= 0, "\(count) bytes cannot be read; write 0 or more")
    let read = try [UInt8](unsafeUninitializedCapacity: Swift.min(count, most)) { buffer, initialized in
      initialized = try read(UnsafeMutableRawBufferPointer(buffer))
    }
    self = read.withoutSpareMemory
  }

  /// The same bytes in memory of their size, if most of what they have is spare.
  ///
  /// For what was read into memory for much more: a program may keep thousands of short answers.
  var withoutSpareMemory: [UInt8] {
    let spare = capacity - count
    return spare > count && spare >= 512 ? withUnsafeBytes { [UInt8]($0) } : self
  }
}
