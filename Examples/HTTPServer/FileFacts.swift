import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the file system says of a path.
struct FileFacts: Sendable {
  let isFolder: Bool
  let isRegular: Bool
  let size: Int
  /// In seconds since 1970.
  let modified: Int
  /// The part of the time behind the second.
  let modifiedNanoseconds: Int

  /// Asks on a thread that may block, as a file system far away may take its time.
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
  /// Whether there is nothing of that name.
  var isMissing: Bool { [ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP].contains(code) }
  var isForbidden: Bool { [EACCES, EPERM].contains(code) }
  /// Whether the other side of a connection has gone.
  var isDisconnection: Bool { [ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN].contains(code) }
}
