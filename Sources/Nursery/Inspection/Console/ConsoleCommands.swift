/// What a console answers to each request.
struct ConsoleCommands {
  let scheduler: Scheduler
  let limits: ConsoleLimits
  private var sampler = ConsoleSampler()

  init(_ scheduler: Scheduler, _ limits: ConsoleLimits) {
    self.scheduler = scheduler
    self.limits = limits
  }

  private struct Command: Sendable {
    let name: String
    let usage: String
    let meaning: String
    let answer: @Sendable (inout ConsoleCommands, String) throws -> String
  }

  private static let all: [Command] = [
    Command(name: "top", usage: "", meaning: "the fibers by spawn line, workers, longest waits, channels") {
      commands, _ in
      commands.sampler.sample(commands.scheduler)
    },
    Command(name: "tree", usage: "", meaning: "the nurseries, each with the number of its fibers") { commands, _ in
      ConsoleReply.text(commands.scheduler.dump().tree)
    },
    Command(name: "dump", usage: "[json|dot|all]", meaning: "what every fiber waits for; all: of every scheduler") {
      try $0.dump($1)
    },
    Command(name: "why", usage: "FIBER", meaning: "the chain of waits of a fiber: a number, a name, or root") {
      try $0.explain($1)
    },
    Command(name: "suspects", usage: "", meaning: "fibers that wait for each other alone") { commands, _ in
      commands.suspects()
    },
    Command(name: "stats", usage: "", meaning: "what the scheduler has done and has in hand") { commands, _ in
      commands.scheduler.statistics.consoleReply
    },
    Command(name: "cancel", usage: "[all] NURSERY", meaning: "cancels a nursery: a name, a path, or File.swift:12") {
      try $0.cancel($1)
    },
    Command(name: "workers", usage: "[spawn|retire]", meaning: "the workers; one more, or one less") {
      try $0.workers($1)
    },
    Command(name: "trace", usage: "[start|stop|save PATH]", meaning: "records what fibers do, and writes it to a file")
    {
      try $0.trace($1)
    },
    Command(name: "help", usage: "", meaning: "this list") { _, _ in ConsoleReply.text(help) },
  ]

  private static let help: String = all.map { command in
    let usage = "\(command.name) \(command.usage)"
    return "\(usage)\(String(repeating: " ", count: max(1, 30 - usage.count)))\(command.meaning)\n"
  }.joined()

  /// The reply to a line; nil to an empty one.
  mutating func answer(_ line: String) -> String? {
    let words = line.split(maxSplits: 1) { $0.isWhitespace }
    guard let name = words.first else { return nil }
    guard let command = Self.all.first(where: { $0.name == name }) else {
      return ConsoleReply.error("there is no command \(String(name.prefix(40)).debugDescription); see help")
    }
    do {
      return try command.answer(&self, words.count > 1 ? Self.trimmed(words[1]) : "")
    } catch {
      return ConsoleReply.error("\(error)")
    }
  }

  /// Without the spaces around, and without quotation marks.
  static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    if text.count > 1, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
    return String(text)
  }

  /// Why a command cannot be done.
  struct Refusal: Error, CustomStringConvertible {
    let description: String
  }
}
