import Nursery

extension AccessEntry {
  /// Reads a line of the common or the combined format, with or without a latency as its last word.
  ///
  ///     10.0.0.1 - ada [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 2326 "-" "curl/8" 0.125
  ///
  /// A latency with a point is in seconds (nginx's `$request_time`), and one without in microseconds (Apache's `%D`).
  init?(common line: String) {
    guard let open = line.firstIndex(of: "["), let close = line[open...].firstIndex(of: "]"),
      let time = WallTime(common: line[line.index(after: open)..<close]),
      let answer = Self.afterRequest(line[close...].dropFirst())
    else { return nil }
    let words = answer.split(separator: " ")
    guard words.count >= 2, let status = Int(words[0]), words[1] == "-" || Int(words[1]) != nil else { return nil }
    self.init(
      time: time, host: String(line.prefix { $0 != " " }), status: status,
      latency: words.count > 2 ? Self.latency(words[words.count - 1]) : nil)
  }

  /// What follows the request, which is quoted and may have escaped quotes.
  private static func afterRequest(_ text: Substring) -> Substring? {
    guard text.hasPrefix(" \"") else { return nil }
    var isEscaped = false
    let rest = text.dropFirst(2)
    let end = rest.firstIndex { character in
      defer { isEscaped = character == "\\" && !isEscaped }
      return character == "\"" && !isEscaped
    }
    return end.map { rest[rest.index(after: $0)...] }
  }

  private static func latency(_ word: Substring) -> Duration? {
    if let microseconds = Int64(word), microseconds >= 0 { return .microseconds(microseconds) }
    guard word.contains("."), let seconds = Double(word) else { return nil }
    return Duration(logged: seconds)
  }
}

extension Duration {
  /// Nil for what no answer takes.
  init?(logged seconds: Double) {
    guard 0...1_000_000 ~= seconds else { return nil }
    self = .seconds(seconds)
  }
}
