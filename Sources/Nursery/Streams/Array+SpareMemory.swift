extension [UInt8] {
  /// The same bytes in memory of their size, if most of what they have is spare.
  ///
  /// For what was read into memory for much more: a program may keep thousands of short answers.
  var withoutSpareMemory: [UInt8] {
    let spare = capacity - count
    return spare > count && spare >= 512 ? withUnsafeBytes { [UInt8]($0) } : self
  }
}
