/// The source of a command's input.
public enum InputRedirection: Sendable, Hashable {
  /// The terminal, if the command has one; the `input` of `run`; otherwise as `.null`.
  case automatic
  /// This process's standard input; a `LaunchError` if it was started without one.
  ///
  /// The command is not in the terminal's foreground group, so reading the terminal stops it. Give it a terminal of its
  /// own.
  case inherit
  /// No input: the command reads the end at once.
  case null
  /// A pipe; its other end is `ChildProcess.input`.
  case pipe
  /// A descriptor of this process, which stays open. A stream's descriptor is non-blocking here and blocking in the
  /// child.
  case descriptor(Int32)
  /// A file, opened for reading.
  case file(String)
}

/// The target of a command's output.
public enum OutputRedirection: Sendable, Hashable {
  /// The terminal, if the command has one; captured by `run`; otherwise as `.inherit`.
  case automatic
  /// This process's standard output, or standard error; a `LaunchError` if it was started without it.
  case inherit
  /// The output is discarded.
  case null
  /// A pipe; its other end is `ChildProcess.output` or `.error`.
  case pipe
  /// A descriptor of this process, which stays open. A stream's descriptor is non-blocking here and blocking in the
  /// child.
  case descriptor(Int32)
  /// A file, created if it does not exist, and truncated unless `append` is true.
  case file(String, append: Bool = false)
  /// For `error`: the same target as the output.
  case output
}
