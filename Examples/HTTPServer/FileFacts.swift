import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file system's metadata of a path.
struct FileFacts: Sendable {
  let isFolder: Bool
  let isRegular: Bool
  let size: Int
  /// The modification time in seconds since 1970.
  let modified: Int
  /// Its fraction of a second, in nanoseconds.
  let modifiedNanoseconds: Int

  /// Asks on a thread of the blocking pool, because a network file system may be slow.
  ///
  /// - Throws: `SystemError`.
  init(_ path: String) throws {
    let status = try blocking {
      var status = stat()
      guard stat(path, &status) == 0 else { throw SystemError(code: errno, action: "examine \(path)") }
      return status
    }
    isFolder = status.st_mode & S_IFMT == S_IFDIR
    isRegular = status.st_mode & S_IFMT == S_IFREG
    size = Int(status.st_size)
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    modified = Int(time.tv_sec)
    modifiedNanoseconds = Int(time.tv_nsec)
  }
}

extension SystemError {
  /// Whether no file has that name.
  var isMissing: Bool { [ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP].contains(code) }
  var isForbidden: Bool { [EACCES, EPERM].contains(code) }
  /// Whether the peer has closed or reset the connection.
  var isDisconnection: Bool { [ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN].contains(code) }
}
