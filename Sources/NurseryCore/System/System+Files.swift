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
  }

  package struct FileStatus: Sendable {
    package var size: Int64
    package var identity: SIMD2<UInt64>
    package var permissions: UInt16
    package var isDirectory: Bool
    package var isRegular: Bool
    package var isSocket: Bool
    package var isSeekable: Bool

    fileprivate init(_ found: cs_file_status) {
      size = found.size
      identity = [found.device, found.inode]
      permissions = UInt16(found.permissions)
      isDirectory = found.is_directory
      isRegular = found.is_regular
      isSocket = found.is_socket
      isSeekable = found.is_seekable
    }
  }

  package static let isDirectory = EISDIR
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

  /// The status of the file at a path, without following a symbolic link; nil if there is none or the call fails.
  package static func status(at path: String) -> FileStatus? {
    var found = cs_file_status()
    return path.withCString { cs_file_status_at($0, &found) } == 0 ? FileStatus(found) : nil
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

  package static func rename(_ old: String, to new: String) -> Int32 {
    old.withCString { old in new.withCString { cs_file_rename(old, $0) } }
  }

  /// Whether there is something at a path that is not a file with contents of its own: a directory, a device.
  package static func isSpecial(_ path: String) -> Bool { path.withCString { cs_file_is_special($0) } }

  /// Copies at most `count` bytes between offsets, in the kernel where that can do it; 0 at the end.
  package static func copy(
    from source: Int32, at sourceOffset: Int64, to target: Int32, at targetOffset: Int64, count: Int
  ) -> Int {
    cs_file_copy(source, sourceOffset, target, targetOffset, count)
  }
}
