import Nursery

/// The live view, with a line for commands below it.
///
/// A command's reply takes the place of the view; an empty line brings it back. Arrows and page keys scroll a reply;
/// q, Control-C and Control-D end.
struct LiveConsole {
  private let connection: ConsoleConnection
  private let options: ConsoleOptions
  private let screen: Screen
  private var input = ""
  private var sample: JSONValue?
  private var sampleBefore: JSONValue?
  /// The reply that is shown, in place of the view.
  private var reply: String?
  private var offset = 0

  private enum Event {
    case keys([UInt8])
    case resize
    case tick
    case end
  }

  init(_ connection: ConsoleConnection, _ options: ConsoleOptions, _ screen: Screen) {
    self.connection = connection
    self.options = options
    self.screen = screen
  }

  mutating func run() throws {
    let resizes = try SignalListener([.windowChange])
    let ends = try SignalListener([.terminate, .hangup, .interrupt])
    let ticker = Ticker(every: options.period)
    try refresh()
    while true {
      try draw()
      let event = try choose(
        StandardStream.input.readOp(upTo: 64).wrap { Event.keys($0) }, resizes.waitOp().wrap { _ in .resize },
        ticker.tickOp().wrap { _ in .tick }, ends.waitOp().wrap { _ in .end })
      switch event {
      case .keys(let bytes): if try bytes.isEmpty || !take(bytes) { return }
      case .tick: try refresh()
      case .resize: break
      case .end: return
      }
    }
  }

  private mutating func refresh() throws {
    guard reply == nil else { return }
    let next = try connection.ask("top").value
    // The program may answer with the sample that it has.
    if next["top"]["time"].number == sample?["top"]["time"].number { return }
    (sampleBefore, sample) = (sample, next)
  }

  private func draw() throws {
    let (rows, columns) = screen.size
    let lines: [String]
    if let reply {
      lines = Array(reply.wrapped(columns).dropFirst(offset))
    } else {
      lines = sample.map { TopView($0, after: sampleBefore).lines(height: rows - 2) } ?? []
    }
    try screen.draw(lines, prompt: input.isEmpty ? "q ends, help lists the commands > " : "> \(input)")
  }

  /// Takes what was typed; false if it ends the console.
  private mutating func take(_ bytes: [UInt8]) throws -> Bool {
    if bytes.first == 0x1B { return scroll(bytes) }
    for character in String(decoding: bytes, as: UTF8.self) {
      switch character {
      case "\u{3}", "\u{4}": return false
      case "q" where input.isEmpty: return false
      case "\r", "\n": try enter()
      case "\u{7F}", "\u{8}": if !input.isEmpty { input.removeLast() }
      case "\u{15}": input = ""
      default: if character >= " " { input.append(character) }
      }
    }
    return true
  }

  private mutating func enter() throws {
    let command = input
    (input, offset) = ("", 0)
    if command.isEmpty || command == "top" {
      reply = nil
      return try refresh()
    }
    reply = try connection.ask(command).text
  }

  private mutating func scroll(_ bytes: [UInt8]) -> Bool {
    let (rows, columns) = screen.size
    let page = max(1, rows - 2)
    switch String(decoding: bytes, as: UTF8.self) {
    case "\u{1B}[A": offset -= 1
    case "\u{1B}[B": offset += 1
    case "\u{1B}[5~": offset -= page
    case "\u{1B}[6~": offset += page
    case "\u{1B}": (reply, input) = (nil, "")
    default: break
    }
    offset = max(0, min(offset, (reply?.wrapped(columns).count ?? 0) - page))
    return true
  }
}
