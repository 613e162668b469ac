/// The output of a command or a pipeline, and how it ended.
public struct CapturedOutput: Sendable {
  /// How each command ended, in order; at least one.
  public let statuses: [ExitStatus]
  /// The last command's standard output.
  public let output: [UInt8]
  /// The standard error of all commands.
  public let error: [UInt8]

  /// How the last command ended.
  public var status: ExitStatus { statuses[statuses.count - 1] }

  /// Whether every command has succeeded.
  ///
  /// In a pipeline, SIGPIPE may end a command because the next one has read enough; that counts as a success.
  public var isSuccess: Bool {
    status.isSuccess && statuses.allSatisfy { $0.isSuccess || $0 == .signalled(.brokenPipe) }
  }

  /// The output as text; invalid UTF-8 is replaced.
  public var text: String { String(decoding: output, as: UTF8.self) }
  /// The standard error as text; invalid UTF-8 is replaced.
  public var errorText: String { String(decoding: error, as: UTF8.self) }

  /// Returns itself if every command has succeeded.
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

/// A command failed that was required to succeed.
public struct CommandFailedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How each command ended.
  public let statuses: [ExitStatus]
  /// Their standard error.
  public let errorText: String

  /// "the command exited with code 2: ls: cannot access 'x'".
  public var description: String {
    let endings = statuses.map(\.description).joined(separator: ", ")
    let who = statuses.count == 1 ? "the command" : "the commands of a pipeline:"
    return errorText.isEmpty ? "\(who) \(endings)" : "\(who) \(endings): \(errorText)"
  }
}

/// A command wrote more than its limit, and was ended.
public struct OutputLimitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The command or the pipeline.
  public let command: String
  /// The largest number of bytes allowed.
  public let limit: Int

  /// "yes has written more than 1024 bytes; ...".
  public var description: String {
    "\(command) has written more than \(limit) bytes; raise the limit of run(), or start() it and read as it writes"
  }
}
