import NurseryCore

extension FileStream {
  /// Opens a file.
  ///
  /// Waits for the file system on a thread of the blocking pool. A cancellation point; then nothing is open.
  ///
  /// - Parameter permissions: of a file that is created, less those that the process masks out.
  /// - Throws: `SystemError` if there is no such file, it is a directory, permission is missing, descriptors are exhausted;
  ///   `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public convenience init(
    _ path: String, _ access: Access = .read, _ options: Options = [], permissions: UInt16 = 0o666
  ) throws {
    self.init(try blocking { try OpenedFile(path, access, options, permissions: permissions) })
  }

  /// The operation that opens a file; see `init(_:_:_:permissions:)`.
  ///
  /// Of an operation that is not chosen no open file remains, but one that was to be created may have been.
  public static func openOp(
    _ path: String, _ access: Access = .read, _ options: Options = [], permissions: UInt16 = 0o666
  ) -> Op<FileStream> {
    blockingOp { try OpenedFile(path, access, options, permissions: permissions) }.wrap { FileStream($0) }
  }
}

/// A descriptor that nobody has taken charge of yet: closed, if nobody does.
final class OpenedFile: @unchecked Sendable {
  let path: String
  let isAppending: Bool
  let status: System.FileStatus
  private(set) var number: Int32

  /// Blocks the thread.
  init(_ path: String, _ access: FileStream.Access, _ options: FileStream.Options, permissions: UInt16) throws {
    let action = "open the file \(path) \(access.inWords)"
    guard !path.utf8.contains(0) else { throw SystemError(code: System.invalidArgument, action: action) }
    let number = try checked(action, System.open(path, access.flags.union(options.flags), permissions: permissions))
    var status: System.FileStatus?
    let result = System.status(number, &status)
    guard let status, !status.isDirectory else {
      System.close(number)
      throw SystemError(code: result < 0 ? -result : System.isDirectory, action: action)
    }
    self.path = path
    self.number = number
    self.status = status
    isAppending = access == .append
  }

  /// A descriptor without positions, whose calls may block.
  init(adopting number: Int32, name: String, status: System.FileStatus) {
    path = name
    self.number = number
    self.status = status
    isAppending = false
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
