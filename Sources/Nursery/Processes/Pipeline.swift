/// Commands connected so that each reads the output of the one before it.
///
///     let count = try (Command("sort", input: .file("words")) | Command("uniq") | Command("wc", "-l")).run()
///
/// The system's pipes connect them, so no byte passes through this process. The first command's `input`, the last one's
/// `output` and each one's `error` apply.
public struct Pipeline: Sendable {
  /// The commands from first to last; at least one.
  public let commands: [Command]

  /// A pipeline of these commands; traps if there is none.
  public init(_ commands: [Command]) {
    if commands.isEmpty { fatalError("a pipeline of no commands; give it one at least") }
    self.commands = commands
  }

  /// Starts the commands in the ambient nursery, which then owns the processes; see `ChildProcess`.
  ///
  /// A cancellation point.
  ///
  /// - Throws: as `Command.start`. If a command cannot be launched, the ones before it are ended.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public func start(file: StaticString = #fileID, line: UInt = #line) throws -> [ChildProcess] {
    var processes: [ChildProcess] = []
    var upstream: Int32?
    do {
      for index in commands.indices {
        var command = commands[index]
        let inherited = upstream
        defer { inherited.map(System.close) }
        if let inherited { command.input = .descriptor(inherited) }
        upstream = nil
        guard index < commands.count - 1 else {
          processes.append(try command.start(file: file, line: line))
          break
        }
        System.ignoreWriteSignals()
        let ends = try System.makePipe()
        defer { System.close(ends.writing) }
        upstream = ends.reading
        command.output = .descriptor(ends.writing)
        processes.append(try command.start(file: file, line: line))
      }
      return processes
    } catch {
      upstream.map(System.close)
      for process in processes { process.terminate() }
      throw error
    }
  }
}

extension Pipeline: CustomStringConvertible {
  /// The commands as typed in a shell.
  public var description: String { commands.map(\.description).joined(separator: " | ") }
}

extension Command {
  /// The pipeline in which the second command reads the first one's output.
  public static func | (first: Command, second: Command) -> Pipeline { Pipeline([first, second]) }
}

extension Pipeline {
  /// The pipeline with a further command at its end.
  public static func | (pipeline: Pipeline, command: Command) -> Pipeline { Pipeline(pipeline.commands + [command]) }
}
