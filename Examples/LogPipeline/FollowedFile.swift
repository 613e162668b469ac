import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A log that grows, is renamed and begun anew, or is truncated.
struct FollowedFile {
  private static let piece = 65_536
  /// A longer line is garbage, and is not kept.
  private static let longestLine = 65_536

  private let path: String
  private var file: FileStream?
  private var offset: Int64 = 0
  /// The beginning of a line whose end has not been written.
  private var partial: [UInt8] = []
  /// Whether the rest of the line is not wanted, because its beginning is not there.
  private var isSkipping = false

  init(_ path: String) { self.path = path }

  /// Leaves out what has been written before.
  mutating func skipToEnd() throws {
    guard try open(), let file else { return }
    offset = try file.size()
    isSkipping = try offset > 0 && file.read(upTo: 1, at: offset - 1) != [UInt8(ascii: "\n")]
  }

  /// Reads the lines that have been completed since the last call; if there is a new file at the path, those of the old
  /// one first.
  mutating func readNewLines(_ handle: (String) throws -> Void) throws {
    while try open(), let file {
      try read(file, handle)
      guard let current = try Self.identity(at: path), current != Self.identity(of: file) else { return }
      // What was written before the new file was made.
      try read(file, handle)
      try endPartialLine(handle)
      file.close()
      self.file = nil
    }
  }

  /// False if there is no file, as for a moment while it is renamed and begun anew.
  private mutating func open() throws -> Bool {
    if file != nil { return true }
    do {
      file = try FileStream(path)
      offset = 0
      return true
    } catch let error as SystemError where error.code == ENOENT {
      return false
    }
  }

  private mutating func read(_ file: FileStream, _ handle: (String) throws -> Void) throws {
    if try file.size() < offset {
      try endPartialLine(handle)
      offset = 0
    }
    while true {
      let bytes = try file.read(upTo: Self.piece, at: offset)
      if bytes.isEmpty { return }
      offset += Int64(bytes.count)
      try split(bytes, handle)
    }
  }

  // MARK: Lines

  private mutating func split(_ bytes: [UInt8], _ handle: (String) throws -> Void) throws {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      append(rest[..<end])
      rest = rest[(end + 1)...]
      try endPartialLine(handle)
    }
    append(rest)
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) {
    guard !isSkipping else { return }
    partial += bytes.prefix(Self.longestLine - partial.count)
    // The part that is kept is no entry, so the line is counted as garbage.
    if partial.count >= Self.longestLine { partial[0] = 0 }
  }

  private mutating func endPartialLine(_ handle: (String) throws -> Void) throws {
    defer {
      partial.removeAll(keepingCapacity: true)
      isSkipping = false
    }
    if !partial.isEmpty { try handle(String(decoding: partial, as: UTF8.self)) }
  }

  // MARK: Which file

  private struct Identity: Equatable, Sendable {
    let device: UInt64
    let number: UInt64

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      number = UInt64(status.st_ino)
    }
  }

  /// Nil if there is no file.
  private static func identity(at path: String) throws -> Identity? {
    try blocking {
      var status = stat()
      return stat(path, &status) == 0 ? Identity(status) : nil
    }
  }

  private static func identity(of file: FileStream) -> Identity? {
    var status = stat()
    return fstat(file.fileDescriptor, &status) == 0 ? Identity(status) : nil
  }
}
