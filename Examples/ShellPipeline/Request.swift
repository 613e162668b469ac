import Nursery

/// The pipeline and options of the command line.
struct Request {
  let pipeline: Pipeline
  let limit: Duration?

  /// - Throws: `UsageError`.
  init(_ arguments: ArraySlice<String>) throws {
    var arguments = arguments
    var limit: Duration?
    if arguments.first == "--timeout" {
      guard let text = arguments.dropFirst().first, let seconds = Double(text), seconds >= 0, seconds < 1e9 else {
        throw UsageError(problem: "--timeout wants a number of seconds")
      }
      limit = .seconds(seconds)
      arguments = arguments.dropFirst(2)
    }
    self.limit = limit
    let words = arguments.isEmpty ? Self.wordCount : Array(arguments)
    var commands = try words.split(separator: "|", omittingEmptySubsequences: false).map { words in
      guard let program = words.first else { throw UsageError(problem: "a command is missing beside '|'") }
      return Command(program, arguments: Array(words.dropFirst()))
    }
    commands[0].input = .pipe
    pipeline = Pipeline(commands)
  }

  /// Runs `body` within the time limit.
  ///
  /// - Throws: `TimeoutError`, and the errors of `body`.
  func withLimit<Result>(_ body: () throws -> Result) throws -> Result {
    guard let limit else { return try body() }
    return try withTimeout(limit, body)
  }

  private static let wordCount = [
    "tr", "-cs", "A-Za-z", "\n", "|", "tr", "A-Z", "a-z", "|", "sort", "|", "uniq", "-c", "|", "sort", "-k1,1nr", "-k2",
    "|", "head", "-n", "10",
  ]
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let problem: String

  var description: String {
    "\(problem)\nusage: shell-pipeline [--timeout SECONDS] COMMAND [ARGUMENT...] ['|' COMMAND [ARGUMENT...]]..."
  }
}
