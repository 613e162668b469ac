/// A file that is there as a whole or not at all.
enum TraceFile {
  /// Writes what `body` gives, on a thread of the blocking pool if the caller is a fiber, which a cancellation does not
  /// keep from it.
  static func write(_ path: String, _ body: @escaping @Sendable ((String) throws -> Void) throws -> Void) throws {
    if Scheduler.current == nil {
      try writeHere(path, body)
    } else {
      _ = try withShield { try blocking { try writeHere(path, body) } }
    }
  }

  /// Writes on the calling thread.
  ///
  /// - Parameters:
  ///   - replaces: whether a file that is there is replaced; if not, the call fails with `EEXIST`.
  ///   - makeRoom: called before each piece with the size that the file will have then.
  /// - Returns: how many bytes.
  @discardableResult
  static func writeHere(
    _ path: String, replaces: Bool = true, makeRoom: @escaping (Int) throws -> Void = { _ in },
    _ body: ((String) throws -> Void) throws -> Void
  ) throws -> Int {
    let partial = "\(path).partial"
    let action = "write the trace \(path)"
    if !replaces {
      // An empty file takes the name, so that no other writer gets it before the rename.
      let reserved = System.open(path, [.write, .create, .exclusive], permissions: 0o644)
      if reserved < 0 { throw SystemError(code: -reserved, action: action) }
      System.close(reserved)
    }
    let descriptor = System.open(partial, [.write, .create, replaces ? .truncate : .exclusive], permissions: 0o644)
    if descriptor < 0 {
      if !replaces { _ = System.remove(path) }
      throw SystemError(code: -descriptor, action: replaces ? action : "\(action).partial")
    }
    var size = 0
    do {
      defer { System.close(descriptor) }
      try body { text in
        var text = text
        try text.withUTF8 { bytes in
          try makeRoom(size + bytes.count)
          var rest = UnsafeRawBufferPointer(bytes)
          while !rest.isEmpty {
            let written = System.write(descriptor, rest, at: -1)
            if written < 0 { throw SystemError(code: Int32(-written), action: action) }
            size += written
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
          }
        }
      }
      let renamed = System.rename(partial, to: path)
      if renamed < 0 { throw SystemError(code: -renamed, action: action) }
    } catch {
      _ = System.remove(partial)
      if !replaces { _ = System.remove(path) }
      throw error
    }
    return size
  }
}
