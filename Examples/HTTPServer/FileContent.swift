import Nursery

/// The content of a file.
///
/// A small file is read before its length is sent, because the stated size may be wrong. The kernel generates the files
/// in /proc and /sys while they are read. Their stated size is 0 or 4096, and their time is not the time of the last
/// change.
struct FileContent {
  /// The length in bytes; nil if it is unknown until all have been read.
  let length: Int?
  /// Whether the stated size and time are right.
  let isAsStated: Bool
  /// The bytes that have already been read: all of a small file.
  private let start: [UInt8]
  private let file: FileStream

  /// Reads a small file, or the start of a file without a stated size.
  init(_ file: FileStream, _ facts: FileFacts) throws {
    self.file = file
    guard facts.size <= Timeouts.portion else {
      start = []
      length = facts.size
      isAsStated = true
      return
    }
    let room = facts.size == 0 ? Timeouts.portion : facts.size
    start = try [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
      let buffer = UnsafeMutableRawBufferPointer(buffer)
      while initialized < room {
        let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[initialized...]))
        if count == 0 { break }
        initialized += count
      }
    }
    isAsStated = start.count == facts.size
    length = isAsStated || start.count < room ? start.count : nil
  }

  func sendWhole(_ response: ResponseWriter) throws {
    try response.begin(length: length)
    try response.write(start)
    if start.count != length { try response.send(from: file) }
  }

  /// Writes a part to a response that has begun.
  func write(_ range: Range<Int>, _ response: ResponseWriter) throws {
    if start.count == length {
      try start.withUnsafeBytes { try response.write(UnsafeRawBufferPointer(rebasing: $0[range])) }
    } else {
      try file.seek(to: Int64(range.lowerBound))
      try response.send(from: file, count: range.count)
    }
  }
}
