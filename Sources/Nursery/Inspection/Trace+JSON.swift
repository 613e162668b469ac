extension Trace {
  /// The trace in the trace-event format of Chrome and Perfetto, a JSON object; `write(to:)` puts it into a file.
  public var json: String {
    var text = ""
    writeJSON { text += $0 }
    return text
  }

  /// Writes the trace to a file that https://ui.perfetto.dev and chrome://tracing open.
  ///
  /// One track for each worker shows what it runs, and arrows go from each waker to the fiber it woke. One group of
  /// tracks for each nursery shows its fibers: when they run, what they wait for, and when they can run and do not.
  /// A file that is there is replaced when the new one is complete. Blocks a plain thread, and only the calling fiber.
  ///
  /// - Throws: `SystemError` if the file cannot be written, because the disk is full, for example; nothing is left of
  ///   it then.
  public func write(to path: String) throws {
    try TraceFile.write(path) { sink in try self.writeJSON(sink) }
  }

  func writeJSON<Failure: Error>(_ sink: (String) throws(Failure) -> Void) throws(Failure) {
    let model = TraceModel(recording)
    var events = TraceEvents(begin: model.begin)
    func flush(above size: Int) throws(Failure) {
      if events.size > size { try sink(events.take()) }
    }
    try sink("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")
    events.addNames(of: model)
    for run in model.runs {
      events.add(run, model)
      try flush(above: 1 << 16)
    }
    for moment in model.moments {
      events.add(moment, model)
      try flush(above: 1 << 16)
    }
    let lanes = TraceLanes(model)
    for fiber in model.fibers.indices {
      events.add(fiber: fiber, lanes, model)
      try flush(above: 1 << 16)
    }
    for (index, span) in model.spans.enumerated() { events.add(span, index, lanes, model) }
    for call in model.calls { events.add(call, model) }
    for scope in model.scopes.indices {
      events.addSuspensions(of: scope, model)
      try flush(above: 1 << 16)
    }
    try flush(above: 0)
    try sink("],\"otherData\":{\"lost\":\"\(lostEventCount)\"}}\n")
  }
}

/// Which row of which nursery each fiber has: a row is given to the next fiber when its own has ended.
struct TraceLanes {
  private(set) var laneOf: [Int]
  /// For each fiber the scope whose rows these are; -1 for none.
  private(set) var ownerOf: [Int]
  /// How many rows each scope has; at the end those of fibers without a known one.
  private(set) var counts: [Int]

  init(_ model: TraceModel) {
    laneOf = Array(repeating: 0, count: model.fibers.count)
    ownerOf = model.fibers.map { model.owner(of: $0.home) }
    counts = Array(repeating: 0, count: model.scopes.count + 1)
    var free: [[(lane: Int, from: Int64)]] = Array(repeating: [], count: counts.count)
    let order = model.fibers.indices.sorted { model.life(of: $0).lowerBound < model.life(of: $1).lowerBound }
    for fiber in order {
      let owner = ownerOf[fiber] < 0 ? counts.count - 1 : ownerOf[fiber]
      let life = model.life(of: fiber)
      if let place = free[owner].firstIndex(where: { $0.from <= life.lowerBound }) {
        laneOf[fiber] = free[owner][place].lane
        free[owner][place].from = life.upperBound
      } else {
        laneOf[fiber] = counts[owner]
        free[owner].append((counts[owner], life.upperBound))
        counts[owner] += 1
      }
    }
  }
}
