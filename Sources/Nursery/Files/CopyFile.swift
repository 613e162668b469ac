import NurseryCore
import Synchronization

/// Copies a file, and returns how many bytes that were.
///
/// The target appears whole or not at all: the bytes go to a file beside it, which takes its name in the end. A file of that name is
/// replaced; a directory or a device is not. The copy has the permissions of the source, less those that the process masks out,
/// but is no set-user-ID or set-group-ID program, whoever owns it. The kernel copies by itself where it can, on a thread of the blocking pool.
///
/// A cancellation point; then there is no target, and an earlier one is as it was.
///
/// - Throws: `SystemError` that names the file; `CancellationError` if the current scope is cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
@discardableResult
public func copyFile(from source: String, to target: String) throws -> Int64 {
  try copyFileOp(from: source, to: target).perform()
}

/// The operation that copies a file; see `copyFile`.
///
/// It commits when all has been copied; the target then takes its name. An operation that is not chosen leaves nothing behind.
public func copyFileOp(from source: String, to target: String) -> Op<Int64> {
  .guarded {
    let copying = FileCopy(source, target)
    return blockingOp { try copying.copy() }.onAbandon { copying.giveUp() }.wrap { part in
      try withShield { try blocking { try part.takeName() } }
      return part.size
    }
  }
}

private final class FileCopy: Sendable {
  private let source: String
  private let target: String
  private let isGivenUp = Atomic<Bool>(false)
  /// What is copied between two looks at whether anybody still wants it.
  private static let piece = 16 << 20

  init(_ source: String, _ target: String) {
    self.source = source
    self.target = target
  }

  func giveUp() { isGivenUp.store(true, ordering: .relaxed) }

  /// Blocks the thread.
  func copy() throws -> FilePart {
    let action = "copy \(source) to \(target)"
    let input = try OpenedFile(source, .read, [], permissions: 0)
    guard input.status.isSeekable else {
      throw SystemError(code: System.notSeekable, action: "\(action), which is no regular file; copy between streams")
    }
    if System.isSpecial(target) {
      throw SystemError(code: System.exists, action: "\(action): there is something that is no regular file")
    }
    let part = try FilePart(of: target, permissions: input.status.permissions)
    while true {
      if isGivenUp.load(ordering: .relaxed) { throw CancellationError() }
      let count = System.copy(
        from: input.number, at: part.size, to: part.file.number, at: part.size, count: Self.piece)
      if try checked(action, count) == 0 { return part }
      part.size += Int64(count)
    }
  }
}

/// A file on its way to a name, removed unless it gets there.
private final class FilePart: @unchecked Sendable {
  let file: OpenedFile
  private let target: String
  private var isPlaced = false
  /// Written by the one thread that copies.
  var size: Int64 = 0

  init(of target: String, permissions: UInt16) throws {
    self.target = target
    file = try OpenedFile(
      "\(target).\(String(System.seed, radix: 36)).part", .write, [.create, .exclusive], permissions: permissions)
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
