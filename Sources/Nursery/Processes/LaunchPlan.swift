/// The descriptors of a command that is about to be launched: the child's, this process's ends, and those to close
/// afterwards.
struct LaunchPlan: ~Copyable {
  private(set) var command: Command
  private(set) var input: PipeStream?
  private(set) var output: PipeStream?
  private(set) var error: PipeStream?
  private(set) var terminal: TerminalStream?
  /// From the child's number to the number here.
  private var mapping: [Int32: Int32] = [:]
  private var terminalTarget: Int32?
  /// Closed here once the child has its copies.
  private var borrowed: [Int32] = []

  init(_ command: Command) throws {
    self.command = command
    for text in command.texts where text.utf8.contains(0) {
      throw InvalidCommandError("a zero byte in the command \(command): the system would see a shorter text")
    }
    if command.program.isEmpty { throw InvalidCommandError("a command without a program: write Command(\"name\")") }
    System.ignoreWriteSignals()
    do {
      try open()
    } catch let error as SystemError {
      throw LaunchError(command.program, .descriptors, error)
    }
  }

  deinit {
    for descriptor in borrowed { System.close(descriptor) }
  }

  private mutating func open() throws {
    mapping = command.descriptors
    if let size = command.terminal {
      let ends = try System.makeTerminal(rows: size.rows, columns: size.columns)
      borrowed.append(ends.childs)
      terminal = try TerminalStream(ends.own)
      mapping[0] = command.input == .automatic ? ends.childs : nil
      mapping[1] = command.output == .automatic ? ends.childs : nil
      mapping[2] = command.error == .automatic ? ends.childs : nil
      terminalTarget = (0...2).first { mapping[$0] != nil }
    }
    try openInput()
    output = try openOutput(command.output, 1, "output")
    error = try openOutput(command.error, 2, "errors")
    try prepareLent()
  }

  /// Checks the caller's descriptors and makes them blocking: a stream's descriptor is non-blocking here, and the child
  /// shares its flags.
  private mutating func prepareLent() throws {
    for source in Set(mapping.values).subtracting(borrowed) {
      if System.isMissing(source) { throw missing(source) }
      let shared = try checked("use descriptor \(source)", System.share(source, isOurs: Descriptor.isOwned(source)))
      guard shared != source else { continue }
      borrowed.append(shared)
      for target in mapping.keys where mapping[target] == source { mapping[target] = shared }
    }
  }

  private func missing(_ number: Int32) -> SystemError {
    let name = StandardStream.names[Int(number)]
    let action = "give it \(name), without which this process was started: redirect it to .null or to a file"
    return SystemError(code: System.badDescriptor, action: action)
  }

  private mutating func openInput() throws {
    switch command.input {
    case .automatic where command.terminal != nil: break
    case .automatic, .null: try lend(0, System.openForChild("/dev/null", writing: false, append: false))
    case .inherit: mapping[0] = 0
    case .pipe:
      let ends = try System.makePipe()
      try lend(0, ends.reading)
      input = try PipeStream(adopting: ends.writing, name: "the input of \(command.program)")
    case .descriptor(let descriptor): mapping[0] = descriptor
    case .file(let path): try lend(0, openFile(path, writing: false, append: false))
    }
  }

  private mutating func openOutput(_ redirection: OutputRedirection, _ target: Int32, _ what: String) throws
    -> PipeStream?
  {
    switch redirection {
    case .automatic where command.terminal != nil: break
    case .automatic, .inherit: mapping[target] = target
    case .null: try lend(target, System.openForChild("/dev/null", writing: true, append: true))
    case .pipe:
      let ends = try System.makePipe()
      try lend(target, ends.writing)
      return try PipeStream(adopting: ends.reading, name: "the \(what) of \(command.program)")
    case .descriptor(let descriptor): mapping[target] = descriptor
    case .file(let path, let append): try lend(target, openFile(path, writing: true, append: append))
    case .output:
      if target == 1 { throw InvalidCommandError("the output of \(command.program) is to go to its output; say where") }
      mapping[target] = mapping[1]
    }
    return nil
  }

  private mutating func lend(_ target: Int32, _ descriptor: Int32) throws {
    borrowed.append(descriptor)
    mapping[target] = descriptor
  }

  /// Converts the command to the system's form and launches it.
  func launch() throws -> System.Launch {
    System.Launch(
      candidates: candidates, arguments: [command.program] + command.arguments,
      environment: try command.environment.entries(), directory: command.directory, descriptors: mapping,
      terminal: terminalTarget)
  }

  private var candidates: [String] {
    if command.program.utf8.contains(UInt8(ascii: "/")) { return [command.program] }
    return command.environment.searchPath.map { "\($0.isEmpty ? "." : $0)/\(command.program)" }
  }
}

extension Command {
  /// All strings of the command that the system gets, except the environment.
  fileprivate var texts: [String] {
    var texts = [program] + arguments
    if let directory { texts.append(directory) }
    if case .file(let path) = input { texts.append(path) }
    for case .file(let path, _) in [output, error] { texts.append(path) }
    return texts
  }
}

/// Opens a file for the child.
///
/// A cancellation point. Blocks neither a worker nor other calls of the blocking pool, because a FIFO's other end may
/// never be opened.
private func openFile(_ path: String, writing: Bool, append: Bool) throws -> Int32 {
  try BlockingPool.shared.interruptibleOp {
    if let status = System.status(at: path, followsLinks: true), !status.isRegular {
      return try BlockingPool.shared.lendingThread {
        OpenedForChild(try System.openForChild(path, writing: writing, append: append))
      }
    }
    return OpenedForChild(try System.openForChild(path, writing: writing, append: append))
  }.perform().take()
}

/// A descriptor that is closed if the fiber that waits for it has been cancelled.
private final class OpenedForChild: @unchecked Sendable {
  private var number: Int32?

  init(_ number: Int32) { self.number = number }

  deinit { number.map(System.close) }

  func take() -> Int32 { number.take()! }
}
