import NurseryCore

extension FileStream {
  /// Opens a file.
  ///
  /// Waits on a thread of the blocking pool, for the file system, and for a lease that another process holds on the
  /// file. A FIFO opens for reading at once, and its first read waits for a writer; it opens for writing when it has a
  /// reader. A cancellation point, which interrupts the system call; then nothing is open.
  ///
  /// - Parameter permissions: of a file that is created; the umask removes some.
  /// - Throws: `SystemError` if there is no such file, it is a directory, permission is missing, descriptors are
  ///   exhausted; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public convenience init(
    _ path: String, _ access: Access = .read, _ options: Options = [], permissions: UInt16 = 0o666
  ) throws {
    self.init(try OpenedFile.op(path, access, options, permissions: permissions).perform())
  }

  /// The operation that opens a file; see `init(_:_:_:permissions:)`.
  ///
  /// An operation that is not chosen leaves no file open, but may have created it.
  public static func openOp(
    _ path: String, _ access: Access = .read, _ options: Options = [], permissions: UInt16 = 0o666
  ) -> Op<FileStream> {
    OpenedFile.op(path, access, options, permissions: permissions).wrap { FileStream($0) }
  }
}

/// A descriptor that no stream owns yet; closed if none adopts it.
final class OpenedFile: @unchecked Sendable {
  let path: String
  let isAppending: Bool
  let status: System.FileStatus
  /// Whether its calls report would-block instead of blocking.
  let isNonblocking: Bool
  private(set) var number: Int32

  static func op(
    _ path: String, _ access: FileStream.Access, _ options: FileStream.Options, permissions: UInt16
  ) -> Op<OpenedFile> {
    BlockingPool.shared.interruptibleOp { try OpenedFile(path, access, options, permissions: permissions) }
  }

  /// Blocks the thread; the caller must have made it interruptible.
  init(_ path: String, _ access: FileStream.Access, _ options: FileStream.Options, permissions: UInt16) throws {
    let action = "open the file \(path) \(access.inWords)"
    guard !path.utf8.contains(0) else { throw SystemError(code: System.invalidArgument, action: action) }
    let flags = access.flags.union(options.flags)
    var number = System.open(path, flags.union(.nonblocking), permissions: permissions)
    if number == -System.noDevice || number == -System.wouldBlock {
      number = Self.openWaiting(path, flags, permissions)
    }
    try checked(action, number)
    var status: System.FileStatus?
    let result = System.status(number, &status)
    guard let status, !status.isDirectory else {
      System.close(number)
      throw SystemError(code: result < 0 ? -result : System.isDirectory, action: action)
    }
    if status.isSeekable, !status.isRegular {
      // A drive that was opened without waiting may have no medium.
      System.close(number)
      number = try checked(action, Self.openWaiting(path, flags, permissions))
    } else {
      try checked(action, System.setNonblocking(number, !status.isSeekable))
    }
    if access != .read { System.ignoreWriteSignals() }
    self.path = path
    self.number = number
    self.status = status
    isNonblocking = !status.isSeekable
    isAppending = access == .append
  }

  /// Adopts a descriptor that has no positions and may block.
  init(adopting number: Int32, name: String, status: System.FileStatus) {
    path = name
    self.number = number
    self.status = status
    isNonblocking = false
    isAppending = false
  }

  /// Opens a file that must be waited for: a FIFO without a reader, a leased file, a drive.
  ///
  /// The pool replaces this thread meanwhile, so any number of such calls does not exhaust it.
  private static func openWaiting(_ path: String, _ flags: System.OpenFlags, _ permissions: UInt16) -> Int32 {
    BlockingPool.shared.lendingThread { System.open(path, flags, permissions: permissions) }
  }

  deinit {
    if number >= 0 { System.close(number) }
  }

  func take() -> Int32 {
    defer { number = -1 }
    return number
  }
}

extension FileStream.Access {
  fileprivate var flags: System.OpenFlags {
    switch self {
    case .read: .read
    case .write: .write
    case .readWrite: [.read, .write]
    case .append: [.write, .append]
    }
  }

  fileprivate var inWords: String {
    switch self {
    case .read: "for reading"
    case .write: "for writing"
    case .readWrite: "for reading and writing"
    case .append: "for appending"
    }
  }
}

extension FileStream.Options {
  fileprivate var flags: System.OpenFlags {
    var flags: System.OpenFlags = []
    if contains(.create) { flags.insert(.create) }
    if contains(.exclusive) { flags.insert(.exclusive) }
    if contains(.truncate) { flags.insert(.truncate) }
    return flags
  }
}
