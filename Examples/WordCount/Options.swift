/// The options of the command line.
struct Options {
  var paths: [String] = []
  var readers = 8
  var counters = processorCount()
  var limit = 20
  var timeout: Duration?
  var keepsGoing = false
  var wantsHelp = false

  static let usage = """
    usage: wordcount [--readers N] [--counters N] [--top N | --all] [--timeout SECONDS] [--keep-going] [FILE...]
    'wordcount --help' explains the options.

    """

  static let help = """
    usage: wordcount [OPTION...] [FILE...]

    Counts how often each word occurs in the files, or in standard input when there are none. '-' is
    standard input, too. A word is a run of ASCII letters; case does not matter.

      --top N            print the N most frequent words (default: 20)
      --all              print every word
      --readers N        read at most N files at a time (default: 8)
      --counters N       count with N fibers (default: one per processor)
      --timeout SECONDS  fail if a file has not been delivered after that time
      --keep-going       leave out files that fail, and print the words of the others
      --help             print this text

    The exit status is 0 if all files were counted, 1 if one of them failed, 2 if an option is wrong.

    """

  /// Parses options and files in any order; after `--` there are files only.
  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let argument = rest.popFirst() {
      if argument == "--" {
        paths += rest
        break
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        paths.append(argument)
        continue
      }
      // `--top 3` can also be written `--top=3`.
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      func value() -> String? { parts.count == 2 ? parts[1] : rest.popFirst() }

      switch parts[0] {
      case "--top": limit = try number(in: 0...Int.max, value(), for: "--top")
      case "--readers": readers = try number(in: 1...4096, value(), for: "--readers")
      case "--counters": counters = try number(in: 1...1024, value(), for: "--counters")
      case "--timeout": timeout = try seconds(value(), for: "--timeout")
      case "--all" where parts.count == 1: limit = Int.max
      case "--keep-going" where parts.count == 1: keepsGoing = true
      case "--help" where parts.count == 1:
        wantsHelp = true
        return
      default: throw UsageError(description: "there is no option '\(argument)'")
      }
    }
    if paths.isEmpty { paths = ["-"] }
    // Two fibers that read standard input at once would each get parts of it. In sequence, the second would get
    // nothing.
    if let first = paths.firstIndex(of: "-") { paths[(first + 1)...].removeAll { $0 == "-" } }
  }
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}

private func number(in range: ClosedRange<Int>, _ text: String?, for option: String) throws -> Int {
  guard let text else { throw UsageError(description: "\(option) wants a number") }
  guard let number = Int(text), range.contains(number) else {
    let end = range.upperBound == Int.max ? "up" : "to \(range.upperBound)"
    throw UsageError(description: "\(option) wants a whole number from \(range.lowerBound) \(end), not '\(text)'")
  }
  return number
}

private func seconds(_ text: String?, for option: String) throws -> Duration {
  guard let text else { throw UsageError(description: "\(option) wants a number of seconds") }
  guard let seconds = Double(text), seconds > 0, seconds.isFinite else {
    throw UsageError(description: "\(option) wants a number of seconds above zero, such as 2.5, not '\(text)'")
  }
  // More than a century is treated as a century, which fits a Duration.
  return .seconds(min(seconds, 100 * 365.25 * 24 * 3600))
}
