/// What `top` shows of one sample and the one before.
package struct TopView {
  private let sample: JSONValue
  private let before: JSONValue?

  /// A table with a heading.
  private struct Section {
    var title: String
    var rows: [String]
  }

  package init(_ reply: JSONValue, after before: JSONValue?) {
    sample = reply["top"]
    self.before = before.map { $0["top"] }
  }

  /// The lines of a view, at most so many.
  package func lines(height: Int) -> [String] {
    var sections = [workers, fibers, waits, channels].filter { !$0.rows.isEmpty }
    // Each gets an equal share of the lines, but a row at least; what one does not need the next ones get.
    var free = height - 1
    for index in sections.indices {
      let share = free < 3 ? 0 : max(1, free / (sections.count - index) - 2)
      sections[index].rows = Array(sections[index].rows.prefix(share))
      free -= sections[index].rows.count + 2
    }
    let lines = [summary] + sections.flatMap { $0.rows.isEmpty ? [] : ["", $0.title] + $0.rows }
    return Array(lines.prefix(height))
  }

  /// Seconds since the sample before; nil if there is none, or it is the same.
  private var elapsed: Double? {
    guard let before else { return nil }
    let elapsed = sample["time"].number - before["time"].number
    return elapsed > 0 ? elapsed : nil
  }

  private var summary: String {
    let totals = sample["totals"]
    var parts = ["\(sample["fibers"].integer) fibers", "\(totals["timers"].integer) timers"]
    if let elapsed, let before {
      for (name, unit) in [("switches", "switches/s"), ("spawned", "spawned/s")] {
        let rate = (totals[name].number - before["totals"][name].number) / elapsed
        parts.append("\(Int(rate.rounded())) \(unit)")
      }
    }
    return parts.joined(separator: "   ")
  }

  private var workers: Section {
    let earlier = before?["workers"].elements ?? []
    let rows = sample["workers"].elements.enumerated().map { index, worker in
      var load = "-"
      if let elapsed, index < earlier.count, !worker["processorTime"].isNull {
        let used = worker["processorTime"].number - earlier[index]["processorTime"].number
        load = "\(Int((100 * used / elapsed).rounded()))%"
      }
      let held = worker["heldFor"].number
      let state = worker["asleep"].isTrue ? "asleep" : held >= 0.1 ? "held \(seconds(held))" : "awake"
      let duty = worker["duty"].string ?? ""
      var row = "\(right("\(worker["index"].integer)", 6)) \(right(load, 6)) \(right("\(worker["begun"].integer)", 8))"
      row += " \(right("\(worker["queued"].integer)", 7))  \(left(duty == "regular" ? state : "\(duty), \(state)", 22))"
      if let runs = worker["runs"].string { row += " \(runs)" }
      if let line = worker["spawned"].string { row += ", spawned at \(line)" }
      return row
    }
    return Section(title: "worker   load   fibers  queued  state                  runs", rows: rows)
  }

  private var fibers: Section {
    let rows = sample["lines"].elements.map { line in
      let counts = ["fibers", "running", "ready", "waiting"].map { right("\(line[$0].integer)", 7) }
      return
        "\(counts.joined(separator: " ")) \(right(seconds(line["longest"].number), 8))  \(line["spawned"].string ?? "(roots)")"
    }
    return Section(title: " fibers running   ready waiting  longest  spawned at", rows: rows)
  }

  private var waits: Section {
    let rows = sample["waits"].elements.map { wait in
      let place = wait["line"].string.map { " at \($0)" } ?? ""
      return
        "\(right(seconds(wait["waited"].number), 8))  \(wait["fiber"].string ?? "")\(place): \(wait["for"].string ?? "")"
    }
    return Section(title: "  waited  longest waits", rows: rows)
  }

  private var channels: Section {
    let rows = sample["channels"].elements.map { channel in
      let capacity = channel["capacity"].isNull ? "any" : "\(channel["capacity"].integer)"
      let counts = ["peak", "dropped", "senders", "receivers"].map { right("\(channel[$0].integer)", 9) }
      return
        "\(right("\(channel["count"].integer)", 8)) \(right(capacity, 9)) \(counts.joined(separator: " "))  \(channel["channel"].string ?? "")"
    }
    return Section(title: "   count  capacity      peak   dropped   senders receivers  channel", rows: rows)
  }

  private func seconds(_ seconds: Double) -> String {
    if seconds < 10 { return "\(Int((seconds * 10).rounded()) / 10).\(Int((seconds * 10).rounded()) % 10) s" }
    return seconds < 6000 ? "\(Int(seconds)) s" : "\(Int(seconds / 60)) min"
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
