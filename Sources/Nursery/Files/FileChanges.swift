/// Reports the changes of files and directories (inotify).
///
///     let changes = try FileChanges(at: ["Sources"])
///     for change in changes where change.kind.contains(.written) { try rebuild(change.path) }
///
/// A directory reports the files in it, and not those in directories inside. Changes from the call of `init` on are
/// kept until they are taken; if they are too many, an `.overflow` is reported in their place. `close` ends it, as
/// does the release of the last reference, or the end of the nursery in which it was made. When all that was watched
/// has been removed, a wait throws `StreamClosedError`.
///
/// Several fibers may wait; each change goes to one of them. On Linux only: elsewhere `init` throws.
public final class FileChanges: Sendable {
  private struct State {
    /// The paths of the watches.
    var paths: [Int32: String] = [:]
    /// Changes that have been read and not yet been taken, the next one last.
    var pending: [FileChange] = []
  }

  private let descriptor: Descriptor
  private let state: Protected<State>

  /// Begins to watch.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `SystemError` if there is no such file, or permission is missing, or the system's limit of watches is
  ///   reached; `CancellationError` if the current scope is cancelled.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public init(at paths: [String]) throws {
    let descriptor = Descriptor(adopting: try checked("watch for changes", System.openChanges()))
    self.descriptor = descriptor
    do {
      let watches = try BlockingPool.shared.interruptibleOp {
        try paths.map { path in
          let action = "watch \(path) for changes"
          guard !path.utf8.contains(0) else { throw SystemError(code: System.invalidArgument, action: action) }
          return (try checked(action, System.watchChanges(descriptor.number, path)), path)
        }
      }.perform()
      state = Protected(State(paths: Dictionary(watches) { $1 }))
    } catch {
      descriptor.close()
      throw error
    }
  }

  deinit { close() }

  /// Waits for a change, and takes it.
  ///
  /// A cancellation point.
  ///
  /// - Throws: `StreamClosedError` if it is closed, or nothing is watched any more; `CancellationError` if the current
  ///   scope is cancelled; no change has been taken then.
  @available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
  public func wait() throws -> FileChange { try waitOp().perform() }

  /// The operation that commits when there is a change; its value is the change.
  ///
  /// An operation that is not chosen has taken no change.
  public func waitOp() -> Op<FileChange> {
    descriptor.op(.readable, keeping: self, as: "a change of a file") { [self] in
      while true {
        if let change = try take() { return change }
        guard try read() else { return nil }
      }
    }
  }

  /// Stops watching.
  ///
  /// Pending waits throw `StreamClosedError`. Never blocks. Closing it again does nothing.
  public func close() { descriptor.close() }

  /// A change that has been read; throws when none will come.
  private func take() throws -> FileChange? {
    let (change, isOver) = state.withLock { state in (state.pending.popLast(), state.paths.isEmpty) }
    if change == nil, isOver { throw StreamClosedError(stream: "\(self), of which nothing is left,") }
    return change
  }

  /// Reads the changes that the kernel has; false if it has none.
  private func read() throws -> Bool {
    try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
      switch descriptor.attempt(.readable, { System.read($0, buffer) }) {
      case .wouldBlock: return false
      case .failed(let code): throw SystemError(code: code, action: "wait for changes of files")
      case .closed: throw StreamClosedError(stream: "\(self)")
      case .done(let count):
        note(System.Change.all(in: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
        // Other fibers that wait do not hear of what is kept here.
        descriptor.signal(.readable)
        return true
      }
    }
  }

  private func note(_ changes: [System.Change]) {
    state.withLock { state in
      var found: [FileChange] = []
      for change in changes {
        guard let path = state.paths[change.watch] else {
          if change.watch < 0 { found.append(FileChange(path: "", kind: .overflow)) }
          continue
        }
        if change.mask & Self.isRemovedWatch != 0 {
          state.paths[change.watch] = nil
        } else {
          let kind = FileChange.Kind(rawValue: change.mask & 0xffff)
          found.append(FileChange(path: change.name.map { "\(path)/\($0)" } ?? path, kind: kind))
        }
      }
      state.pending = found.reversed() + state.pending
    }
  }

  /// IN_IGNORED.
  private static let isRemovedWatch: UInt32 = 0x8000
}

extension FileChanges: Sequence {
  /// Waits for one change after another; ends when it is closed, when nothing is left, and in a cancelled scope.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func makeIterator() -> AnyIterator<FileChange> { AnyIterator { try? self.wait() } }
}

extension FileChanges: CustomStringConvertible {
  /// "the changes of files".
  public var description: String { "the changes of files" }
}
