import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes windows to standard output: a line for each, and on a terminal below them the one that grows.
struct Display {
  private let length: Duration
  private let talkers: Int
  private let isTerminal = isatty(STDOUT_FILENO) == 1

  init(_ options: LogOptions) {
    length = options.window
    talkers = options.talkers
  }

  func show(_ window: TimeWindow, _ tally: Tally) throws {
    try write(eraser + line(window, tally) + "\n")
  }

  func showLive(_ window: TimeWindow?, _ tally: Tally) throws {
    guard isTerminal else { return }
    // Cut, because a line that the terminal wraps could not be erased.
    try write(eraser + String((window.map { line($0, tally) } ?? "waiting for requests").prefix(width())))
  }

  /// Erases the line that grows.
  private var eraser: String { isTerminal ? "\r\u{1B}[K" : "" }

  private func write(_ text: String) throws { try StandardStream.output.writeAll(text) }

  private func width() -> Int {
    var size = winsize()
    return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) - 1 : 79
  }

  // MARK: Text

  private func line(_ window: TimeWindow, _ tally: Tally) -> String {
    var parts = ["\(window.start)", "\(window.requests) requests", "\(window.errors) errors"]
    if let median = window.latency(0.5), let most = window.latency(0.9), let nearlyAll = window.latency(0.99) {
      parts.append("p50 \(Self.text(median)) p90 \(Self.text(most)) p99 \(Self.text(nearlyAll))")
    }
    let top = window.topTalkers(talkers).map { "\($0.host) (\($0.requests))" }
    if !top.isEmpty { parts.append("top \(top.joined(separator: " "))") }
    if tally.garbage > 0 { parts.append("\(tally.garbage) lines of garbage") }
    if tally.late > 0 { parts.append("\(tally.late) too late") }
    return parts.joined(separator: ", ")
  }

  /// "250us", "12.5ms", "3.2s".
  private static func text(_ duration: Duration) -> String {
    let microseconds = duration.microseconds
    if microseconds < 1000 { return "\(microseconds)us" }
    let tenths = microseconds < 1_000_000 ? microseconds / 100 : microseconds / 100_000
    return "\(tenths / 10).\(tenths % 10)\(microseconds < 1_000_000 ? "ms" : "s")"
  }
}
