/// A command could not be launched.
public struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The steps of a launch.
  public enum Step: Sendable, Hashable {
    /// Making a process: there are too many processes, or too little memory.
    case process
    /// Opening its descriptors and putting them in place.
    case descriptors
    /// Giving it its terminal.
    case terminal
    /// Entering its working directory.
    case directory
    /// Executing its program.
    case program
  }

  /// The command's program.
  public let program: String
  /// The step that failed.
  public let step: Step
  /// The system's error.
  public let cause: SystemError

  init(_ program: String, _ step: Step, _ cause: SystemError) {
    self.program = program
    self.step = step
    self.cause = cause
  }

  init(_ command: Command, _ step: System.LaunchStep, code: Int32) {
    switch step {
    case .process: self.init(command.program, .process, SystemError(code: code, action: "make a process"))
    case .descriptors:
      self.init(command.program, .descriptors, SystemError(code: code, action: "put its descriptors in place"))
    case .terminal:
      self.init(command.program, .terminal, SystemError(code: code, action: "give it a terminal of its own"))
    case .directory:
      let directory = command.directory ?? ""
      self.init(command.program, .directory, SystemError(code: code, action: "enter its directory \(directory)"))
    case .program:
      self.init(command.program, .program, SystemError(code: code, action: "execute it"))
    }
  }

  /// "cannot launch nonsuch: could not execute it: No such file or directory (2); ...".
  public var description: String { "cannot launch \(program): \(cause)\(advice)" }

  private var advice: String {
    guard step == .program else { return "" }
    switch cause.code {
    case System.noEntry where !program.contains("/"):
      return "; no folder of PATH has it: write the path, or set PATH in the command's environment"
    case System.noEntry: return "; there is no such file, or the interpreter that its first line names is missing"
    case System.tooLong: return "; its arguments and environment are too long: pass them as input, or in a file"
    case System.notExecutable: return "; it is no program: scripts need a first line like #!/bin/sh"
    default: return ""
    }
  }
}

/// A command that cannot be launched because of its properties.
public struct InvalidCommandError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and what to write instead.
  public let description: String

  init(_ description: String) { self.description = description }
}
