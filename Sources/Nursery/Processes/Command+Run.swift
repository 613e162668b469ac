extension Command {
  /// Runs the command and captures its output.
  ///
  /// Input is written and output is read concurrently, so a full pipe causes no deadlock. Returns when the command has
  /// ended and no process has its output open. So a command that leaves a process in the background should close that
  /// process's output. All processes that it has started are ended when this returns or throws. A cancellation point.
  ///
  /// Here `.pipe` means the same as `.automatic` without a terminal: output and errors are captured, and without input
  /// the command reads the end at once.
  ///
  /// - Parameters:
  ///   - input: the command's standard input; nil for its `input` property. The command need not read all of it.
  ///   - limit: the largest number of bytes of output, and of errors.
  /// - Throws: `LaunchError`; `OutputLimitError`, and then the command is ended; `CancellationError`. A command that
  ///   fails does not throw: see `CapturedOutput.requireSuccess`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func run(
    input: [UInt8]? = nil, limit: Int = 64 << 20, file: StaticString = #fileID, line: UInt = #line
  ) throws -> CapturedOutput {
    try Pipeline([self]).run(input: input, limit: limit, file: file, line: line)
  }

  /// Runs the command with a text as its input, in UTF-8; see the overload that takes bytes.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func run(
    input: String, limit: Int = 64 << 20, file: StaticString = #fileID, line: UInt = #line
  ) throws -> CapturedOutput {
    try run(input: Array(input.utf8), limit: limit, file: file, line: line)
  }
}

extension Pipeline {
  /// Runs the commands and captures the last one's output and the errors of all; see `Command.run`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func run(
    input: [UInt8]? = nil, limit: Int = 64 << 20, file: StaticString = #fileID, line: UInt = #line
  ) throws -> CapturedOutput {
    try withNursery("run", file: file, line: line) { nursery in
      let (processes, errors) = try startCaptured(hasInput: input != nil)
      let name = description
      func capture(_ stream: any ReadableStream) -> Fiber<[UInt8]> {
        nursery.goAsync { try readAll(stream, of: name, limit: limit) }
      }
      let last = processes[processes.count - 1]
      let output = (last.output as (any ReadableStream)? ?? last.terminal).map(capture)
      // Other terminals show errors only, because the output goes elsewhere.
      let shown = processes.compactMap(\.terminal).filter { $0 !== last.terminal || last.output != nil }
      let complaints = errors.map(capture) + shown.map(capture)
      if let stream = processes[0].input {
        // A process in the background may hold the input open and never read it.
        nursery.goAsync(daemon: true) { try writeAll(input ?? [], to: stream) }
      }
      let statuses = try processes.map { try $0.wait() }
      let error = try complaints.flatMap { try $0.wait() }
      if error.count > limit { throw OutputLimitError(command: name, limit: limit) }
      return CapturedOutput(statuses: statuses, output: try output?.wait() ?? [], error: error)
    }
  }

  /// Runs the commands with a text as the first one's input, in UTF-8; see the overload that takes bytes.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func run(
    input: String, limit: Int = 64 << 20, file: StaticString = #fileID, line: UInt = #line
  ) throws -> CapturedOutput {
    try run(input: Array(input.utf8), limit: limit, file: file, line: line)
  }

  /// `.automatic` and `.pipe` become pipes: one for the last command's output, and one that all commands share for
  /// their errors.
  private func startCaptured(hasInput: Bool) throws -> ([ChildProcess], errors: [PipeStream]) {
    var commands = commands
    if hasInput { commands[0].input = .pipe }
    let last = commands.count - 1
    if commands[last].output == .automatic, commands[last].terminal == nil { commands[last].output = .pipe }
    let complaining = commands.indices.filter {
      commands[$0].error == .pipe || commands[$0].error == .automatic && commands[$0].terminal == nil
    }
    guard !complaining.isEmpty else { return (try Pipeline(commands).start(), []) }
    let ends = try System.makePipe()
    defer { System.close(ends.writing) }
    let errors = try PipeStream(adopting: ends.reading, name: "the errors of \(self)")
    for index in complaining { commands[index].error = .descriptor(ends.writing) }
    return (try Pipeline(commands).start(), [errors])
  }
}

private func readAll(_ stream: any ReadableStream, of command: String, limit: Int) throws -> [UInt8] {
  defer { stream.close() }
  var bytes: [UInt8] = []
  while true {
    let part = try stream.read(upTo: 1 << 16)
    if part.isEmpty { return bytes }
    if part.count > limit - bytes.count { throw OutputLimitError(command: command, limit: limit) }
    bytes += part
  }
}

/// A command may close its input early; that is no error.
private func writeAll(_ bytes: [UInt8], to stream: PipeStream) throws {
  defer { stream.close() }
  do {
    try stream.writeAll(bytes)
  } catch let error as SystemError where error.code == System.brokenPipe {
    return
  }
}
