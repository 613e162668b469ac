import Nursery

/// What is read, and how it is shown.
package struct LogOptions: Sendable {
  package var files: [String]
  /// The length of a window.
  package var window = Duration.seconds(10)
  /// How many hosts are shown.
  package var talkers = 3
  /// Entries before are left out; nil to begin at the end of the files.
  package var since: Since?
  /// How often the files are looked at; nil to wait for the system's reports of changes.
  package var polling: Duration?

  package init(files: [String]) { self.files = files }

  static let usage = """
    usage: log-pipeline [--since TIME] [--window SECONDS] [--top COUNT] [--poll SECONDS] FILE...

    Follows access logs (common, combined or JSON lines; "-" is standard input), and shows for each window of time the
    hosts with most requests and how long the answers took. Control-C shows the last window and ends.

      --since TIME      begin with what is in the files from 90s, 15m, 2h or 1d ago, or from 2000-10-10T13:55:36Z on
                        (default: begin with what is written from now on)
      --window SECONDS  the length of a window (default: 10)
      --top COUNT       how many hosts are shown (default: 3)
      --poll SECONDS    look at the files that often, for file systems that report no changes, as those of networks

    """

  /// - Throws: `UsageError`.
  init(_ arguments: ArraySlice<String>) throws {
    self.init(files: [])
    var rest = arguments
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else {
        files.append(word)
        continue
      }
      guard let value = rest.popFirst() else { throw UsageError(description: "\(word) wants a value") }
      switch (word, Int(value), Since(value)) {
      case ("--since", _, let since?): self.since = since
      case ("--since", _, nil): throw UsageError(description: "--since wants 15m or 2000-10-10T13:55:36Z, not \(value)")
      case ("--window", let seconds?, _) where 1...86_400 ~= seconds: window = .seconds(seconds)
      case ("--top", let count?, _) where 0...100 ~= count: talkers = count
      case ("--poll", let seconds?, _) where 1...3600 ~= seconds: polling = .seconds(seconds)
      case ("--poll", _, _): throw UsageError(description: "--poll wants 1 to 3600 seconds, not '\(value)'")
      case ("--window", _, _): throw UsageError(description: "--window wants 1 to 86400 seconds, not '\(value)'")
      case ("--top", _, _): throw UsageError(description: "--top wants a number from 0 to 100, not '\(value)'")
      default: throw UsageError(description: "there is no option '\(word)'")
      }
    }
    if files.isEmpty { throw UsageError(description: "there is no file to follow") }
  }
}

/// From when on entries count.
package enum Since: Sendable {
  case ago(Duration)
  case at(WallTime)

  /// "90s", "15m", "2h", "1d", or a time.
  package init?(_ text: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    if let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), 0...1_000_000 ~= count {
      self = .ago(.seconds(count * unit))
    } else if let time = WallTime(iso: text[...]) {
      self = .at(time)
    } else {
      return nil
    }
  }

  func start(from now: WallTime) -> WallTime {
    switch self {
    case .ago(let duration): now + (.zero - duration)
    case .at(let time): time
    }
  }
}

/// The command line is wrong.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}
