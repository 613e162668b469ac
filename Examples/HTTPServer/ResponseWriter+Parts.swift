extension ResponseWriter {
  /// Sends parts of a content: a single part directly, several as `multipart/byteranges` (RFC 9110, 14.6).
  ///
  /// - Parameter write: writes the bytes of a part.
  func send(_ parts: [Range<Int>], of length: Int, type: String, _ write: (Range<Int>) throws -> Void) throws {
    func contentRange(_ part: Range<Int>) -> String { "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(length)" }
    status = .partialContent
    if parts.count == 1 {
      try add("Content-Type", type)
      try add("Content-Range", contentRange(parts[0]))
      try begin(length: parts[0].count)
      return try write(parts[0])
    }
    // Random, so that no file can contain it deliberately.
    let boundary = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
    let heads = parts.enumerated().map { index, part in
      "\(index == 0 ? "" : "\r\n")--\(boundary)\r\n"
        + "Content-Type: \(type)\r\nContent-Range: \(contentRange(part))\r\n\r\n"
    }
    let end = "\r\n--\(boundary)--\r\n"
    try add("Content-Type", "multipart/byteranges; boundary=\(boundary)")
    try begin(length: zip(heads, parts).reduce(end.utf8.count) { $0 + $1.0.utf8.count + $1.1.count })
    for (head, part) in zip(heads, parts) {
      try self.write(head)
      try write(part)
    }
    try self.write(end)
  }
}
