import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

// Files. Everything returns a negative errno value when it fails.
extension System {
  package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let read = OpenFlags(rawValue: CS_OPEN_READ)
    package static let write = OpenFlags(rawValue: CS_OPEN_WRITE)
    package static let append = OpenFlags(rawValue: CS_OPEN_APPEND)
    package static let create = OpenFlags(rawValue: CS_OPEN_CREATE)
    package static let exclusive = OpenFlags(rawValue: CS_OPEN_EXCLUSIVE)
    package static let truncate = OpenFlags(rawValue: CS_OPEN_TRUNCATE)
    package static let nonblocking = OpenFlags(rawValue: CS_OPEN_NONBLOCKING)
  }

  package struct FileStatus: Sendable {
    package var size: Int64
    package var identity: SIMD2<UInt64>
    package var owner: UInt32
    package var permissions: UInt16
    package var isDirectory: Bool
    package var isRegular: Bool
    package var isSocket: Bool
    package var isSeekable: Bool
    package var isFIFO: Bool

    fileprivate init(_ found: cs_file_status) {
      size = found.size
      identity = [found.device, found.inode]
      owner = found.owner
      permissions = UInt16(found.permissions)
      isDirectory = found.is_directory
      isRegular = found.is_regular
      isSocket = found.is_socket
      isSeekable = found.is_seekable
      isFIFO = found.is_fifo
    }
  }

  package static let isDirectory = EISDIR
  package static let noDevice = ENXIO
  package static let notSeekable = ESPIPE
  package static let invalidArgument = EINVAL
  package static func isNotSupported(_ code: Int32) -> Bool { cs_errno_not_supported(code) }

  /// For unique names.
  package static var seed: UInt64 { cs_random_seed() }

  /// Opens close-on-exec.
  package static func open(_ path: String, _ flags: OpenFlags, permissions: UInt16) -> Int32 {
    path.withCString { cs_file_open($0, flags.rawValue, mode_t(permissions)) }
  }

  /// Reads the status of an open file; zero, or a negative errno value.
  package static func status(_ descriptor: Int32, _ status: inout FileStatus?) -> Int32 {
    var found = cs_file_status()
    let result = cs_file_status_of(descriptor, &found)
    guard result == 0 else { return result }
    status = FileStatus(found)
    return 0
  }

  /// The status of the file at a path; nil if there is none or the call fails.
  ///
  /// - Parameter followsLinks: if not, a symbolic link is one itself.
  package static func status(at path: String, followsLinks: Bool = false) -> FileStatus? {
    var found = cs_file_status()
    return path.withCString { cs_file_status_at($0, followsLinks, &found) } == 0 ? FileStatus(found) : nil
  }

  /// Reads at an offset; at the descriptor's own position if that is negative.
  package static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return cs_file_read(descriptor, base, buffer.count, offset)
  }

  /// As `read`, but only from memory: -EAGAIN if the data is not there, and an error of `isNotSupported` if that is
  /// unknown.
  package static func readNow(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return cs_file_read_now(descriptor, base, buffer.count, offset)
  }

  /// Writes at an offset; at the descriptor's own position if that is negative.
  package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return cs_file_write(descriptor, base, bytes.count, offset)
  }

  /// As `write`, but only what memory takes at once; see `readNow`.
  package static func writeNow(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return cs_file_write_now(descriptor, base, bytes.count, offset)
  }

  /// The descriptor's own position.
  package static func position(_ descriptor: Int32) -> Int64 { cs_file_position(descriptor) }
  package static func truncate(_ descriptor: Int32, to size: Int64) -> Int32 { cs_file_truncate(descriptor, size) }
  package static func sync(_ descriptor: Int32, dataOnly: Bool) -> Int32 { cs_file_sync(descriptor, dataOnly) }
  package static func remove(_ path: String) -> Int32 { path.withCString { cs_file_remove($0) } }

  /// The path from the root, which stays right when the process changes its directory.
  ///
  /// As it is if it is empty, or the directory has no path any more.
  package static func absolutePath(_ path: String) -> String {
    if path.isEmpty || path.utf8.first == UInt8(ascii: "/") { return path }
    let capacity = 4096
    let directory = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      cs_current_directory(buffer.baseAddress!, capacity) == 0 ? String(cString: buffer.baseAddress!) : nil
    }
    return directory.map { "\($0)/\(path)" } ?? path
  }

  package static func rename(_ old: String, to new: String) -> Int32 {
    old.withCString { old in new.withCString { cs_file_rename(old, $0) } }
  }

  /// Where the first data at or after an offset begins, and where a hole, or the end, comes after it.
  ///
  /// Zero or negative errno values: `noDevice` if there is no more data, others where the file system knows of no
  /// holes.
  package static func nextData(_ descriptor: Int32, from offset: Int64) -> (start: Int64, end: Int64) {
    let start = cs_file_next_data(descriptor, offset)
    return start < 0 ? (start, start) : (start, cs_file_next_hole(descriptor, start))
  }

  /// Copies at most `count` bytes between offsets, in the kernel where that can do it; 0 at the end.
  package static func copy(
    from source: Int32, at sourceOffset: Int64, to target: Int32, at targetOffset: Int64, count: Int
  ) -> Int {
    cs_file_copy(source, sourceOffset, target, targetOffset, count)
  }
}
