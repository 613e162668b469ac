import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A terminal that is drawn on as a whole, and whose keys come one by one.
final class Screen {
  private var before = termios()

  /// Whether standard input and output are a terminal.
  static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  init() throws {
    tcgetattr(STDIN_FILENO, &before)
    var raw = before
    cfmakeraw(&raw)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw)
    // The other screen, so that what was there comes back.
    try StandardStream.output.writeAll("\u{1B}[?1049h")
  }

  /// Gives the terminal back as it was.
  func leave() {
    try? withShield { try withTimeout(.seconds(2)) { try StandardStream.output.writeAll("\u{1B}[?1049l") } }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
  }

  var size: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  /// Draws lines from the top, and in the last row a prompt with the cursor.
  func draw(_ lines: [String], prompt: String) throws {
    let (rows, columns) = size
    var text = "\u{1B}[H"
    for row in 0..<max(0, rows - 1) {
      text += "\(row < lines.count ? lines[row].printable.prefix(columns) : "")\u{1B}[K\r\n"
    }
    try StandardStream.output.writeAll(text + "\(prompt.printable.suffix(columns - 1))\u{1B}[K")
  }
}

extension String {
  /// Without what would move the cursor: names come from the program.
  var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }

  /// Cut into lines of at most so many characters.
  func wrapped(_ columns: Int) -> [String] {
    split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
      var parts: [String] = []
      var rest = Substring(line)
      repeat {
        parts.append(String(rest.prefix(columns)))
        rest = rest.dropFirst(columns)
      } while !rest.isEmpty
      return parts
    }
  }
}
