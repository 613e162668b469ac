extension ConsoleCommands {
  func dump(_ form: String) throws -> String {
    if form == "all" { return ConsoleReply.text(FiberDump.all().description) }
    let dump = scheduler.dump()
    if form.isEmpty { return ConsoleReply.text(dump.description) }
    guard ["json", "dot"].contains(form) else {
      throw Refusal(description: "a dump is text, json or dot, or of all schedulers: dump [json|dot|all]")
    }
    guard dump.count <= limits.fibers else {
      throw Refusal(
        description: "\(dump.count) fibers are too many to list one by one (\(limits.fibers) at most); dump folds them")
    }
    return form == "dot" ? ConsoleReply.text(dump.dot) : ConsoleReply.object { $0.field("dump", json: dump.json) }
  }

  func explain(_ name: String) throws -> String {
    if name.isEmpty { throw Refusal(description: "which fiber? write why 12, why reader or why root; see dump") }
    let dump = scheduler.dump()
    let number = UInt64(name.drop { $0 == "#" })
    let found = dump.entries.filter { entry in
      if name == "root" { return entry.label == "the root fiber" }
      return entry.label == "fiber \"\(name)\"" || entry.label.hasPrefix("fiber ") && entry.id == number
    }
    guard let first = found.first else {
      throw Refusal(description: "there is no fiber \(name.debugDescription); see dump")
    }
    guard found.count == 1 else {
      let numbers = found.prefix(10).map { "#\($0.id)" }.joined(separator: ", ")
      throw Refusal(
        description:
          "\(found.count) fibers are named \(name.debugDescription): \(numbers)\(found.count > 10 ? ", ..." : ""); write why \(first.id)"
      )
    }
    let explanation = dump.explain(first)
    return ConsoleReply.text(explanation.description) { $0.field("isCycle", explanation.isCycle) }
  }

  func suspects() -> String {
    let circles = scheduler.dump().suspects
    let text = circles.map(\.description).joined(separator: "\n\n")
    return ConsoleReply.text(circles.isEmpty ? "no fibers wait for each other alone" : text) { json in
      json.array("circles", circles) { json, circle in
        json.object { json in
          json.array("fibers", circle.fibers) { json, fiber in json.object { $0.field("id", fiber.id) } }
        }
      }
    }
  }
}
