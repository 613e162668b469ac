/// What is to be run as a process of its own: a program, its arguments, and what it finds around it.
///
///     let sorted = try Command("sort", "-r").run(input: "b\na\n")
///     print(sorted.text)
///
/// A value: change its properties, or give them to the initialiser. Making one does nothing; `run` runs it and captures
/// what it writes, `start` starts it and hands out a `ChildProcess`, and `|` connects it to another one.
///
/// A program is launched without any of our descriptors but those it is given, with every signal at its default, in a
/// process group of its own. It belongs to the nursery around, and with it everything it starts; see `ChildProcess`.
public struct Command: Sendable {
  /// The program: a path, if it has a slash; otherwise a name that is looked up in the folders of `PATH`.
  ///
  /// `PATH` is that of the command's environment, or ours if that has none. A relative path begins in `directory`.
  public var program: String
  /// What follows the program's name.
  public var arguments: [String]
  /// What the program finds in its environment.
  public var environment: CommandEnvironment
  /// The folder it runs in; nil for ours.
  public var directory: String?
  /// Where it reads from.
  public var input: InputRedirection
  /// Where it writes to.
  public var output: OutputRedirection
  /// Where it complains.
  public var error: OutputRedirection
  /// Further descriptors for it: its number, and ours, which stays open here.
  public var descriptors: [Int32: Int32] = [:]
  /// A pseudo terminal of this size, for those of `input`, `output` and `error` that are `.automatic`; nil for none.
  public var terminal: TerminalSize?
  /// How long it may take to end when it has been asked to, before it is killed.
  public var grace: Duration = .seconds(5)

  /// A command with its arguments, one by one; no shell reads them.
  public init(
    _ program: String, _ arguments: String..., environment: CommandEnvironment = .inheriting, directory: String? = nil,
    input: InputRedirection = .automatic, output: OutputRedirection = .automatic, error: OutputRedirection = .automatic
  ) {
    self.init(
      program, arguments: arguments, environment: environment, directory: directory, input: input, output: output,
      error: error)
  }

  /// A command with its arguments in an array; no shell reads them.
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
