/// Where a command reads from.
public enum InputRedirection: Sendable, Hashable {
  /// The terminal, if the command has one; the `input` of `run`; otherwise as `.null`.
  case automatic
  /// Our own standard input; a `LaunchError` if this process was started without one.
  ///
  /// The command is not in the foreground of our terminal, which stops who reads from it there: give it a terminal of
  /// its own.
  case inherit
  /// Nothing: the end at once.
  case null
  /// A pipe, whose other end is `ChildProcess.input`.
  case pipe
  /// A descriptor of ours, which stays open here; a stream's does not block here, and blocks in the child.
  case descriptor(Int32)
  /// A file, opened for reading.
  case file(String)
}

/// Where a command writes to.
public enum OutputRedirection: Sendable, Hashable {
  /// The terminal, if the command has one; captured by `run`; otherwise as `.inherit`.
  case automatic
  /// Our own standard output, or standard error; a `LaunchError` if this process was started without it.
  case inherit
  /// Nowhere.
  case null
  /// A pipe, whose other end is `ChildProcess.output` or `.error`.
  case pipe
  /// A descriptor of ours, which stays open here; a stream's does not block here, and blocks in the child.
  case descriptor(Int32)
  /// A file, which is made if there is none; emptied, unless it is to be appended to.
  case file(String, append: Bool = false)
  /// For `error`: wherever the output goes.
  case output
}
