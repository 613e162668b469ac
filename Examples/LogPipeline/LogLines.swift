import Nursery

/// Where the lines come from.
enum LogLines {
  /// The lines of a file as it grows; "-" is standard input.
  ///
  /// Ends when an enclosing nursery drains, after the lines that have been written until then; standard input also ends
  /// by itself.
  static func following(_ path: String, fromBeginning: Bool, polling: Duration?) -> Flow<String> {
    if path == "-" { return Flow.lines(of: StandardStream.input).until { drainingOp() } }
    return Flow { yielder in
      let change = try changeOp(of: path, polling)
      let hasChanged: Op<Bool> = .choice([change.wrap { true }, drainingOp().wrap { false }])
      var file = FollowedFile(path)
      if !fromBeginning { try file.skipToEnd() }
      repeat {
        try file.readNewLines { try yielder.yield($0) }
      } while try hasChanged.perform()
      try file.readNewLines { try yielder.yield($0) }
    }
  }

  /// The operation that commits when the file may have changed since it was made.
  ///
  /// The folder is watched, because it also reports that the file is renamed and made anew.
  private static func changeOp(of path: String, _ polling: Duration?) throws -> Op<Void> {
    if let polling {
      let ticker = Ticker(every: polling)
      return ticker.tickOp().wrap { _ in }
    }
    return try FileChanges(at: [folder(of: path)]).waitOp().wrap { _ in }
  }

  private static func folder(of path: String) -> String {
    guard let end = path.lastIndex(of: "/") else { return "." }
    return end == path.startIndex ? "/" : String(path[..<end])
  }
}
