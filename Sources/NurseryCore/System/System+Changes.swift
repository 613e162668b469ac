import CSwitch

extension System {
  /// One change that the kernel reports (`struct inotify_event`).
  package struct Change {
    /// What `watchChanges` returned; -1 if reports have been lost.
    package let watch: Int32
    package let mask: UInt32
    /// In a directory that is watched: the file's name.
    package let name: String?

    /// The changes in what was read.
    package static func all(in bytes: UnsafeRawBufferPointer) -> [Change] {
      var changes: [Change] = []
      var place = 0
      while place + headerSize <= bytes.count {
        let length = Int(bytes.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self))
        let name = bytes[(place + headerSize)...].prefix(length).prefix { $0 != 0 }
        changes.append(
          Change(
            watch: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self),
            mask: bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self),
            name: name.isEmpty ? nil : String(decoding: name, as: UTF8.self)))
        place += headerSize + length
      }
      return changes
    }

    /// The watch, the mask, a number that joins the halves of a move, and the length of the name behind.
    private static let headerSize = 16
  }

  /// A descriptor that reports changes and does not block; or -errno.
  package static func openChanges() -> Int32 { cs_changes_open() }

  /// Begins to watch a file or directory: the number of the watch, or -errno.
  ///
  /// Blocks for the file system.
  package static func watchChanges(_ descriptor: Int32, _ path: String) -> Int32 {
    path.withCString { cs_changes_watch(descriptor, $0) }
  }
}
