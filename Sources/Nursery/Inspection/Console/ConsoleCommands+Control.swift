extension ConsoleCommands {
  /// Cancels the nursery with a path, the last part of one, or a line, or each that has it.
  func cancel(_ argument: String) throws -> String {
    let isAll = argument.hasPrefix("all ")
    let name = isAll ? String(argument.dropFirst(4).drop { $0.isWhitespace }) : argument
    if name.isEmpty {
      throw Refusal(
        description: "which nursery? write cancel orders, cancel server/orders or cancel Server/Main.swift:12; see tree"
      )
    }
    let result = scheduler.cancelNurseries(.requested("cancelled at the console"), cancelsAll: isAll) { path, site in
      path == name || path.hasSuffix("/\(name)") || site.description == name || site.description.hasSuffix("/\(name)")
    }
    if result.found.isEmpty {
      throw Refusal(description: "there is no nursery \(name.debugDescription) that has not been cancelled; see tree")
    }
    let list = result.found.prefix(20).joined(separator: "\n") + (result.found.count > 20 ? "\n..." : "")
    guard result.isDone else {
      throw Refusal(
        description:
          "\(result.found.count) nurseries are meant: write more of the path or the line, or cancel all \(name)\n\(list)"
      )
    }
    return ConsoleReply.text("cancelled \(list)") { $0.field("cancelled", result.found.count) }
  }

  func workers(_ change: String) throws -> String {
    switch change {
    case "": break
    case "spawn": try scheduler.spawnWorker()
    case "retire": try scheduler.retireWorker()
    default:
      throw Refusal(description: "there is no worker to \(change); write workers, workers spawn or workers retire")
    }
    let workers = scheduler.snapshot.workers
    let lines = workers.map { worker in
      "worker \(worker.index): \(worker.duty), \(worker.isAsleep ? "asleep" : "awake"), \(worker.begun) fibers have begun, \(worker.queued) queued"
    }
    return ConsoleReply.text(lines.joined(separator: "\n")) { json in
      json.array("workers", workers) { json, worker in json.object { $0.write(worker) } }
    }
  }
}

extension JSONText {
  /// The fields of a worker.
  mutating func write(_ worker: FiberSnapshot.WorkerState) {
    field("index", worker.index)
    field("duty", worker.duty)
    field("asleep", worker.isAsleep)
    field("switches", worker.switches)
    field("processorTime", seconds: worker.processorTime)
    field("begun", worker.begun)
    field("queued", worker.queued)
  }
}

extension Scheduler.Statistics {
  /// The figures, by name.
  var consoleReply: String {
    let figures: [(name: String, value: Int)] = [
      ("workers", workers), ("sleepingWorkers", sleepingWorkers), ("spares", spares), ("fibersSpawned", fibersSpawned),
      ("fibersAlive", fibersAlive), ("fibersQueued", fibersQueued), ("offersOutstanding", offersOutstanding),
      ("timers", timers), ("switches", switches), ("steals", steals), ("takeovers", takeovers), ("sleeps", sleeps),
      ("wakeups", wakeups), ("fences", fences), ("allocations", allocations), ("stackSize", stacks.stackSize),
      ("stacksMapped", stacks.mapped), ("stacksInUse", stacks.inUse), ("stacksIdle", stacks.idle),
    ]
    let text = figures.map { figure in
      "\(figure.name)\(String(repeating: " ", count: 20 - figure.name.utf8.count))\(figure.value)"
    }
    return ConsoleReply.text((text + stacks.advice).joined(separator: "\n")) { json in
      json.object("statistics") { json in for figure in figures { json.field(figure.name, figure.value) } }
    }
  }
}
