import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

extension System {
  /// The description of a child in the kernel's form; must be kept until the first news of the child.
  package final class Launch {
    /// At an address of its own, which the child reads after `begin` has returned.
    private let launch: UnsafeMutablePointer<cs_launch>
    private let candidates: CStrings
    private let arguments: CStrings
    private let environment: CStrings
    private let directory: CStrings
    private let descriptors: UnsafeMutableBufferPointer<Int32>

    /// - Parameters:
    ///   - candidates: paths that are tried in turn.
    ///   - environment: entries of the form "NAME=value", in bytes.
    ///   - descriptors: the child's number, and ours for it; at least one.
    ///   - terminal: which of the child's numbers becomes its controlling terminal.
    package init(
      candidates: [String], arguments: [String], environment: [[CChar]], directory: String?,
      descriptors mapping: [Int32: Int32], terminal: Int32?
    ) {
      self.candidates = CStrings(candidates.map { Array($0.utf8CString) })
      self.arguments = CStrings(arguments.map { Array($0.utf8CString) })
      self.environment = CStrings(environment)
      self.directory = CStrings(directory.map { [Array($0.utf8CString)] } ?? [])
      let sorted = mapping.sorted { $0.key < $1.key }
      descriptors = .allocate(capacity: 2 * sorted.count)
      _ = descriptors.initialize(from: sorted.map(\.value) + sorted.map(\.key))
      let candidates = UnsafeRawPointer(self.candidates.pointer).assumingMemoryBound(to: UnsafePointer<CChar>.self)
      launch = .allocate(capacity: 1)
      launch.initialize(
        to: cs_launch(
          candidates: candidates, arguments: self.arguments.pointer, environment: self.environment.pointer,
          directory: self.directory.pointer[0], sources: descriptors.baseAddress!,
          targets: descriptors.baseAddress! + sorted.count, count: Int32(sorted.count), terminal: terminal ?? -1))
    }

    deinit {
      launch.deallocate()
      descriptors.deallocate()
    }

    /// Begins it; the descriptors are the child's when this returns.
    package func begin() throws(LaunchFailure) -> Child {
      var child = cs_child()
      let result = cs_child_launch(launch, &child)
      guard result == 0 else {
        throw LaunchFailure(code: -result, step: LaunchStep(rawValue: child.step) ?? .process)
      }
      return Child(child)
    }
  }

  /// A launch that has not begun.
  package struct LaunchFailure: Error {
    package let code: SystemErrorCode
    package let step: LaunchStep
  }

  /// How many threads make children.
  static var launcherThreadCount: Int { Int(cs_launcher_thread_count()) }

  /// The step at which a launch has failed; the numbers are those of `CSwitchProcesses.h`.
  package enum LaunchStep: Int32 {
    case process, descriptors, terminal, directory, program
  }

  package enum ChildNews {
    case started(process: Int32)
    case failed(SystemErrorCode, LaunchStep)
    /// The status in the form of wait(2).
    case exited(status: Int32)
    /// Nothing is left.
    case empty
    /// The remaining processes cannot be killed.
    case refused(SystemErrorCode)
    /// The keeper was killed.
    case lost
  }

  package typealias SystemErrorCode = Int32

  /// A child, from the beginning of its launch until nothing is left of what it has started.
  ///
  /// Its calls do not wait.
  package struct Child {
    private let child: cs_child

    fileprivate init(_ child: cs_child) {
      self.child = child
    }

    /// A descriptor that is readable when there is news, and writable when there is space for an order.
    package var channel: Int32 { child.channel }

    /// Takes what has happened next: positive, 0 at the end, or -errno.
    package func takeNews(_ news: inout ChildNews) -> Int {
      var found = cs_news()
      let result = Int(withUnsafePointer(to: child) { cs_child_news($0, &found) })
      guard result > 0 else { return result }
      switch Int(found.kind) {
      case CS_NEWS_STARTED: news = .started(process: found.value)
      case CS_NEWS_FAILED: news = .failed(found.value, LaunchStep(rawValue: found.step) ?? .process)
      case CS_NEWS_EXITED: news = .exited(status: found.value)
      case CS_NEWS_EMPTY: news = .empty
      default: news = .refused(found.value)
      }
      return result
    }

    /// Sends a signal to the child itself, or to it and everything it has started; -errno if too many are on their way.
    package func signal(_ number: Int32, tree: Bool) -> Int {
      let order = Int32(tree ? CS_ORDER_SIGNAL_TREE : CS_ORDER_SIGNAL)
      return Int(withUnsafePointer(to: child) { cs_child_order($0, order, number) })
    }

    /// Kills the child and everything it has started, until nothing is left.
    ///
    /// The last order.
    package func killTree() { withUnsafePointer(to: child) { cs_child_kill_tree($0) } }

    /// Frees everything; waits for the keeper, which has ended or is about to.
    ///
    /// Once, and the last thing that is done to it, when its channel has been closed.
    package func release() { withUnsafePointer(to: child) { cs_child_release($0) } }
  }

  /// The entries of the process's environment, in bytes, each with a zero at its end.
  package static var environment: [[CChar]] {
    guard let entries = cs_environment() else { return [] }
    var result: [[CChar]] = []
    var next = entries
    while let entry = next.pointee {
      result.append(Array(UnsafeBufferPointer(start: entry, count: strlen(entry) + 1)))
      next += 1
    }
    return result
  }

  package static let noProcess = ESRCH
  package static let inputOutputError = EIO
  package static let brokenPipe = EPIPE
  package static let tooLong = E2BIG
  package static let notExecutable = ENOEXEC

  // MARK: Pipes and terminals

  /// Two descriptors, close-on-exec, that block.
  package static func makePipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
    var reading: Int32 = -1
    var writing: Int32 = -1
    try checked("make a pipe", cs_process_pipe(&reading, &writing))
    return (reading, writing)
  }

  /// A pseudo terminal: our side, which does not block, and the child's.
  package static func makeTerminal(rows: UInt16, columns: UInt16) throws(SystemError) -> (own: Int32, childs: Int32) {
    var own: Int32 = -1
    var childs: Int32 = -1
    try checked("open a pseudo terminal", cs_terminal_open(rows, columns, &own, &childs))
    return (own, childs)
  }

  /// Zero or -errno.
  package static func resizeTerminal(_ descriptor: Int32, rows: UInt16, columns: UInt16) -> Int {
    Int(cs_terminal_resize(descriptor, rows, columns))
  }

  /// Opens a file for a child.
  ///
  /// May block: a FIFO's other end has to be opened, too. A terminal does not become ours.
  package static func openForChild(_ path: String, writing: Bool, append: Bool) throws(SystemError) -> Int32 {
    let flags = writing ? O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) : O_RDONLY
    return try checked("open \(path)", cs_open(path, flags | O_CLOEXEC | O_NOCTTY, 0o666))
  }
}

/// Strings of C, with a null at the end.
private final class CStrings {
  let pointer: UnsafeMutablePointer<UnsafePointer<CChar>?>
  private let count: Int

  /// Each with its zero.
  init(_ strings: [[CChar]]) {
    count = strings.count
    pointer = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() {
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: string.count)
      _ = copy.initialize(from: string)
      (pointer + index).initialize(to: UnsafePointer(copy.baseAddress!))
    }
    (pointer + count).initialize(to: nil)
  }

  deinit {
    for index in 0..<count { pointer[index]!.deallocate() }
    pointer.deallocate()
  }
}
