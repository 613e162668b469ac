import Nursery

/// Replies in plain lines, for pipes and scripts.
struct PlainConsole {
  let connection: ConsoleConnection
  let options: ConsoleOptions

  /// Runs the command, or those that come from standard input; false if one of them was refused.
  func run() throws -> Bool {
    if !options.command.isEmpty { return try run(options.command) }
    var isFine = true
    let lines = BufferedReader(StandardStream.input)
    while let line = try lines.readLine() {
      if line.contains(where: { !$0.isWhitespace }), !(try run(line)) { isFine = false }
    }
    return isFine
  }

  private func run(_ command: String) throws -> Bool {
    if command == "top", !options.isJSON { return try top() }
    let reply = try connection.ask(command)
    if options.isJSON {
      try StandardStream.output.writeAll(reply.line + "\n")
    } else if let error = reply.error {
      try StandardStream.error.writeAll("nursery-console: \(error)\n")
    } else {
      let isWhole = reply.text.hasSuffix("\n")
      try StandardStream.output.writeAll(reply.text + (isWhole ? "" : "\n"))
    }
    return reply.error == nil
  }

  /// The first sample has no rates: for those it takes two.
  private func top() throws -> Bool {
    var before: JSONValue?
    for number in 0..<options.count {
      if number > 0 { try sleep(for: options.period) }
      let reply = try connection.ask("top")
      if let error = reply.error {
        try StandardStream.error.writeAll("nursery-console: \(error)\n")
        return false
      }
      let lines = TopView(reply.value, after: before).lines(height: 60)
      try StandardStream.output.writeAll((number > 0 ? "\n" : "") + lines.map { $0.printable + "\n" }.joined())
      before = reply.value
    }
    return true
  }
}
