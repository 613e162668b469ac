extension ConsoleCommands {
  /// Turns the recorder on and off, and writes what it has to a file.
  ///
  /// All on the console's thread: no worker waits for the file.
  func trace(_ argument: String) throws -> String {
    let words = argument.split(maxSplits: 1) { $0.isWhitespace }
    let rest = words.count > 1 ? Self.trimmed(words[1]) : ""
    switch (words.first ?? "", rest) {
    case ("", _): return reply(scheduler.isRecording ? "recording" : "not recording")
    case ("start", ""): return try startTrace()
    case ("stop", ""): return try stopTrace()
    case ("save", _): return try saveTrace(rest)
    default:
      throw Refusal(
        description:
          "there is no trace \(argument.debugDescription); write trace, trace start, trace stop or trace save PATH")
    }
  }

  private func startTrace() throws -> String {
    if scheduler.isRecording {
      throw Refusal(description: "the run is being recorded already; write trace save PATH, or trace stop")
    }
    scheduler.startRecording()
    if !scheduler.isRecording { throw Refusal(description: "the run has ended; there is nothing to record") }
    return reply("recording from now on; trace save PATH writes it")
  }

  private func stopTrace() throws -> String {
    if !scheduler.isRecording { throw Refusal(description: "nothing is being recorded; write trace start first") }
    scheduler.stopRecording()
    return reply("stopped; trace save PATH writes what was recorded")
  }

  private func saveTrace(_ path: String) throws -> String {
    if path.isEmpty || path.utf8.contains(0) {
      throw Refusal(
        description:
          "where to? write trace save /var/tmp/trace.json, for Perfetto, or a path that ends in .html, for a page")
    }
    guard let trace = scheduler.trace() else {
      throw Refusal(description: "nothing has been recorded; write trace start first")
    }
    let path = System.absolutePath(path)
    let size: Int
    do {
      size = try TraceFile.writeHere(path, replaces: false) { sink in
        if path.hasSuffix(".html") { try trace.writePage(sink) } else { try trace.writeJSON(sink) }
      }
    } catch let error as SystemError where error.code == System.exists {
      throw Refusal(description: "\(error); a console replaces no file, write another path")
    }
    return ConsoleReply.text("wrote \(path): \(size) bytes, \(Self.summary(trace))") { json in
      json.field("path", path)
      json.field("bytes", size)
      Self.write(trace, &json)
    }
  }

  /// What was done, and what is recorded now.
  private func reply(_ text: String) -> String {
    let trace = scheduler.trace()
    let events = trace.map { "; \(Self.summary($0))" } ?? ""
    return ConsoleReply.text(text + events) { json in
      json.field("recording", scheduler.isRecording)
      Self.write(trace, &json)
    }
  }

  private static func summary(_ trace: Trace) -> String {
    let lost = trace.lostEventCount
    return "\(trace.eventCount) events\(lost > 0 ? ", \(lost) older ones were overwritten" : "")"
  }

  private static func write(_ trace: Trace?, _ json: inout JSONText) {
    json.field("events", trace?.eventCount ?? 0)
    json.field("lost", trace?.lostEventCount ?? 0)
  }
}
