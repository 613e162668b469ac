/// A program to run as a process, with its arguments and its environment.
///
///     let sorted = try Command("sort", "-r").run(input: "b\na\n")
///     print(sorted.text)
///
/// A value: change its properties, or pass them to the initialiser. Making one starts nothing. `run` runs it and
/// captures its output, `start` starts it and returns a `ChildProcess`, and `|` connects it to another command.
///
/// The program gets only the descriptors that it is given, default signal handling, and a process group of its own. The
/// program and all its descendants belong to the ambient nursery; see `ChildProcess`.
public struct Command: Sendable {
  /// The program: a path, if it has a slash; otherwise a name that is looked up in the folders of `PATH`.
  ///
  /// `PATH` is taken from the command's environment, or from this process's if that has none. A relative path begins in
  /// `directory`.
  public var program: String
  /// The arguments after the program's name.
  public var arguments: [String]
  /// The program's environment.
  public var environment: CommandEnvironment
  /// The folder it runs in; nil for this process's.
  public var directory: String?
  /// Its standard input.
  public var input: InputRedirection
  /// Its standard output.
  public var output: OutputRedirection
  /// Its standard error.
  public var error: OutputRedirection
  /// Further descriptors: the number in the program, and the number here, which stays open.
  public var descriptors: [Int32: Int32] = [:]
  /// If not nil, a pseudo terminal of this size, used where `input`, `output` and `error` are `.automatic`.
  public var terminal: TerminalSize?
  /// The time between SIGTERM and SIGKILL when the command is ended.
  public var grace: Duration = .seconds(5)

  /// A command with its arguments; no shell interprets them.
  public init(
    _ program: String, _ arguments: String..., environment: CommandEnvironment = .inheriting, directory: String? = nil,
    input: InputRedirection = .automatic, output: OutputRedirection = .automatic, error: OutputRedirection = .automatic
  ) {
    self.init(
      program, arguments: arguments, environment: environment, directory: directory, input: input, output: output,
      error: error)
  }

  /// A command with its arguments in an array; no shell interprets them.
  public init(
    _ program: String, arguments: [String], environment: CommandEnvironment = .inheriting, directory: String? = nil,
    input: InputRedirection = .automatic, output: OutputRedirection = .automatic, error: OutputRedirection = .automatic
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.input = input
    self.output = output
    self.error = error
  }
}

extension Command: CustomStringConvertible {
  /// The program and its arguments.
  public var description: String { ([program] + arguments).joined(separator: " ") }
}
