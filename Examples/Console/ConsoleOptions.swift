/// What the command line asks for.
struct ConsoleOptions {
  var path = ""
  /// The command; empty for a session.
  var command = ""
  var isJSON = false
  var period = Duration.seconds(1)
  /// How many samples `top` prints without a terminal.
  var count = 1

  static let usage = """
    usage: nursery-console [--json] [--every SECONDS] [--count SAMPLES] SOCKET [COMMAND ...]
      Attaches to a program that runs with Configuration(console: .at("SOCKET")).
      Without a command: on a terminal a live view, which takes commands; otherwise commands from standard input.
      --json     prints replies as they are, JSON objects in a line each
      --every    how often the live view, or top, asks; 1 by default
      --count    how many samples top prints without a terminal; 1 by default
      Commands: top, tree, dump, why, suspects, stats, cancel, workers, trace, help.

    """

  init(_ arguments: some Sequence<String>) throws {
    var words: [String] = []
    var arguments = arguments.makeIterator()
    while let argument = arguments.next() {
      switch argument {
      case _ where !words.isEmpty && !argument.hasPrefix("--"): words.append(argument)
      case "--json": isJSON = true
      case "--every":
        guard let seconds = arguments.next().flatMap({ Double($0) }), (0.05...3600).contains(seconds) else {
          throw UsageError(description: "--every takes a number of seconds from 0.05 to 3600")
        }
        period = .seconds(seconds)
      case "--count":
        guard let number = arguments.next().flatMap({ Int($0) }), number > 0 else {
          throw UsageError(description: "--count takes a positive number")
        }
        count = number
      case _ where argument.hasPrefix("-"): throw UsageError(description: "there is no option \(argument)")
      default: words.append(argument)
      }
    }
    guard let path = words.first else { throw UsageError(description: "which socket?") }
    self.path = path
    command = words.dropFirst().joined(separator: " ")
  }
}

struct UsageError: Error, CustomStringConvertible {
  let description: String
}
