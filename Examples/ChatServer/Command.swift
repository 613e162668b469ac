/// What a client's line asks for.
enum Command {
  case say(String)
  case nick(String)
  case who
  case quit
  case nothing
  case unknown(String)

  static let help = "/nick NAME changes your name, /who lists all, /quit leaves; all else is said to all"

  init(_ line: String) {
    let words = line.split(separator: " ", maxSplits: 1).map(String.init)
    switch words.first {
    case nil: self = .nothing
    case "/nick": self = .nick(words.count == 2 ? words[1] : "")
    case "/who": self = .who
    case "/quit": self = .quit
    case let word? where word.hasPrefix("/"): self = .unknown(Self.printable(word))
    default: self = .say(Self.printable(line))
    }
  }

  /// The text without characters that would control the terminals of the other clients.
  private static func printable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      scalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return String(scalars)
  }
}
