/// What a command, or a pipeline of them, has written, and how it has ended.
public struct CapturedOutput: Sendable {
  /// How each command has ended, in their order; at least one.
  public let statuses: [ExitStatus]
  /// What the last command has written.
  public let output: [UInt8]
  /// What all of them have complained.
  public let error: [UInt8]

  /// How the last command has ended.
  public var status: ExitStatus { statuses[statuses.count - 1] }

  /// Whether every command has succeeded; one whose reader had enough, and that SIGPIPE has ended, has.
  public var isSuccess: Bool {
    status.isSuccess && statuses.allSatisfy { $0.isSuccess || $0 == .signalled(.brokenPipe) }
  }

  /// The output as a text; what is no UTF-8 is replaced.
  public var text: String { String(decoding: output, as: UTF8.self) }
  /// The complaints as a text; what is no UTF-8 is replaced.
  public var errorText: String { String(decoding: error, as: UTF8.self) }

  /// Itself, if every command has succeeded.
  ///
  ///     let files = try Command("ls").run().requireSuccess().text
  ///
  /// - Throws: `CommandFailedError`.
  @discardableResult
  public func requireSuccess() throws -> CapturedOutput {
    guard isSuccess else { throw CommandFailedError(statuses: statuses, errorText: errorText) }
    return self
  }
}

/// A command has ended otherwise than with success, where that was required.
public struct CommandFailedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How each command has ended.
  public let statuses: [ExitStatus]
  /// What they have complained.
  public let errorText: String

  /// "the command exited with code 2: ls: cannot access 'x'".
  public var description: String {
    let endings = statuses.map(\.description).joined(separator: ", ")
    let who = statuses.count == 1 ? "the command" : "the commands of a pipeline:"
    return errorText.isEmpty ? "\(who) \(endings)" : "\(who) \(endings): \(errorText)"
  }
}

/// A command has written more than it was allowed to; it has been ended.
public struct OutputLimitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The command or the pipeline.
  public let command: String
  /// How many bytes there may be.
  public let limit: Int

  /// "yes has written more than 1024 bytes; ...".
  public var description: String {
    "\(command) has written more than \(limit) bytes; raise the limit of run(), or start() it and read as it writes"
  }
}
