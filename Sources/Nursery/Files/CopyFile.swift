import NurseryCore

/// Copies a file, and returns its size.
///
/// The target appears whole or not at all: the bytes go to a file beside it, which is renamed at the end. An existing
/// file of that name is replaced; a directory or a device is not. Holes stay holes. The copy has the source's
/// permissions without those that the umask removes, and without set-user-ID and set-group-ID. The copy runs on a
/// thread of the blocking pool, in the kernel if it can.
///
/// A cancellation point; then there is no target, and an earlier one is unchanged.
///
/// - Throws: `SystemError` that names the file; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
@discardableResult
public func copyFile(from source: String, to target: String) throws -> Int64 {
  try copyFileOp(from: source, to: target).perform()
}

/// The operation that copies a file; see `copyFile`.
///
/// It commits when everything has been copied; the target then gets its name. An operation that is not chosen leaves
/// nothing behind.
public func copyFileOp(from source: String, to target: String) -> Op<Int64> {
  BlockingPool.shared.interruptibleOp { try FileCopy(source, target).copy() }.wrap { part in
    try withShield { try blocking { try part.takeName() } }
    return part.size
  }
}

/// One copy; its functions block the thread.
private struct FileCopy {
  private let source: String
  private let target: String
  private let action: String
  /// The bytes copied between two checks whether the copy is still wanted.
  private static let piece: Int64 = 16 << 20

  init(_ source: String, _ target: String) {
    self.source = source
    self.target = target
    action = "copy \(source) to \(target)"
  }

  func copy() throws -> FilePart {
    if source.utf8.contains(0) || target.utf8.contains(0) {
      throw SystemError(code: System.invalidArgument, action: action)
    }
    // Checked before opening: opening and closing a FIFO would send its writer SIGPIPE.
    if let found = System.status(at: source, followsLinks: true), !found.isSeekable {
      throw SystemError(
        code: found.isDirectory ? System.isDirectory : System.notSeekable,
        action: "\(action), which is no regular file; copy between streams")
    }
    let input = try OpenedFile(source, .read, [], permissions: 0)
    guard input.status.isSeekable else { throw SystemError(code: System.notSeekable, action: action) }
    if let found = System.status(at: target, followsLinks: true), !found.isRegular {
      throw SystemError(code: System.exists, action: "\(action): there is something that is no regular file")
    }
    let part = try FilePart(of: target, permissions: input.status.permissions)
    // A file with a stated size of 0 may have contents: those in /proc do.
    let isCopied = input.status.size > 0 ? try copyData(input, to: part) : false
    if !isCopied { try copy(input, to: part, until: .max) }
    return part
  }

  /// Copies the data between the holes.
  ///
  /// Returns false, with nothing copied, if the file system does not report holes.
  private func copyData(_ input: OpenedFile, to part: FilePart) throws -> Bool {
    while true {
      let (start, end) = System.nextData(input.number, from: part.size)
      if start == -Int64(System.noDevice) { break }
      if start < 0, part.size == 0 { return false }
      try checked(action, start)
      try checked(action, end)
      part.size = start
      try copy(input, to: part, until: end)
      // The source has been truncated meanwhile.
      if part.size < end { break }
    }
    var status: System.FileStatus?
    try checked(action, System.status(input.number, &status))
    part.size = max(part.size, status!.size)
    try checked(action, System.truncate(part.file.number, to: part.size))
    return true
  }

  private func copy(_ input: OpenedFile, to part: FilePart, until end: Int64) throws {
    while part.size < end {
      if System.isInterrupted { throw CancellationError() }
      let count = System.copy(
        from: input.number, at: part.size, to: part.file.number, at: part.size,
        count: Int(min(Self.piece, end - part.size)))
      if try checked(action, count) == 0 { return }
      part.size += Int64(count)
    }
  }
}

/// A file under a temporary name; removed unless it is renamed.
private final class FilePart: @unchecked Sendable {
  let file: OpenedFile
  /// Absolute, because the process may change its directory meanwhile.
  private let target: String
  private var isPlaced = false
  /// Written by the one thread that copies.
  var size: Int64 = 0

  init(of target: String, permissions: UInt16) throws {
    let target = System.absolutePath(target)
    self.target = target
    // A short name, because the target's may already have the maximum length.
    let folder = target.utf8.lastIndex(of: UInt8(ascii: "/")).map { target[...$0] } ?? ""
    file = try OpenedFile(
      "\(folder).nursery-\(String(System.seed, radix: 36)).part", .write, [.create, .exclusive],
      permissions: permissions)
  }

  /// Blocks the thread.
  func takeName() throws {
    try checked("give the copy \(file.path) the name \(target)", System.rename(file.path, to: target))
    isPlaced = true
  }

  deinit {
    if !isPlaced { _ = System.remove(file.path) }
  }
}
