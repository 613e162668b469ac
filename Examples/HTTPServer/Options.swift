import Nursery

/// The options of the command line.
struct Options {
  var root = "."
  var host = IPAddress.loopback
  var port: UInt16 = 8080
  var connections: Int?
  var workers: Int?
  var grace = Duration.seconds(10)
  var limits = Limits()
  var timeouts = Timeouts()
  var isPlainText = false
  var hasMetrics = false
  var wantsHelp = false

  static let usage = """
    usage: http-server [OPTION...] [FOLDER]
    'http-server --help' explains the options.

    """

  static let help = """
    usage: http-server [OPTION...] [FOLDER]

    Serves the files of a folder (default: the current one) over HTTP/1.1, also in parts (Range) and only if they have
    changed (ETag, Last-Modified). POST /echo answers with the body of the request.
    Prints its address when it is ready. SIGINT or SIGTERM ends it when the current requests have been answered.

      --port N              where to listen (default: 8080); 0 for any free port
      --any                 listen on all addresses of this machine (default: only for this machine)
      --plaintext           no files: answer everything with "Hello, World!"
      --metrics             answer GET /metrics with the scheduler's figures, for Prometheus
      --workers N           threads that run fibers (default: one per processor)
      --connections N       open at once; more wait to be accepted (default: no limit)
      --max-line BYTES      of a request's first line (default: 8192)
      --max-head BYTES      of a request's first line and headers (default: 32768)
      --max-headers N       in a request (default: 100)
      --max-body BYTES      of a request's body (default: 16777216)
      --idle-timeout S      seconds until the next request begins (default: 60)
      --head-timeout S      for a request's head (default: 10)
      --body-timeout S      for every 64 KiB of a request's body (default: 30)
      --write-timeout S     until 64 KiB of a response have been taken (default: 30)
      --grace S             for current requests when the server shuts down (default: 10)
      --help                print this text

    A second signal, or the end of the grace, ends it at once. The exit status is 0 if it was ended, 1 if it could not
    listen, 2 if an option is wrong.

    """

  /// Parses options and the folder in any order.
  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    var hasRoot = false
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-") else {
        if hasRoot { throw UsageError(description: "one folder can be served, not '\(argument)' as well") }
        if argument.isEmpty { throw UsageError(description: "the folder to serve has no name; say '.' for this one") }
        hasRoot = true
        root = argument
        continue
      }
      // `--port 80` can also be written `--port=80`.
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let name = parts[0]
      func number(_ range: ClosedRange<Int>) throws -> Int {
        try wholeNumber(in: range, parts.count == 2 ? parts[1] : rest.popFirst(), for: name)
      }
      func duration() throws -> Duration { try seconds(parts.count == 2 ? parts[1] : rest.popFirst(), for: name) }

      switch name {
      case "--port": port = UInt16(try number(0...65_535))
      case "--workers": workers = try number(1...1024)
      case "--connections": connections = try number(1...Int.max)
      case "--max-line": limits.requestLine = try number(16...1 << 30)
      case "--max-head": limits.head = try number(64...1 << 30)
      case "--max-headers": limits.fields = try number(1...1 << 20)
      case "--max-body": limits.body = try number(0...Int.max)
      case "--idle-timeout": timeouts.idle = try duration()
      case "--head-timeout": timeouts.head = try duration()
      case "--body-timeout": timeouts.body = try duration()
      case "--write-timeout": timeouts.write = try duration()
      case "--grace": grace = try duration()
      case "--any" where parts.count == 1: host = .any
      case "--metrics" where parts.count == 1: hasMetrics = true
      case "--plaintext" where parts.count == 1: isPlainText = true
      case "--help" where parts.count == 1:
        wantsHelp = true
        return
      default: throw UsageError(description: "there is no option '\(argument)'")
      }
    }
  }
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}

private func wholeNumber(in range: ClosedRange<Int>, _ text: String?, for option: String) throws -> Int {
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
  // More than a year is treated as a year.
  return .seconds(min(seconds, 365 * 24 * 3600))
}
