/// Writes the events of Chrome's trace-event format, with commas between them.
///
/// Process 1 has the workers as its threads, and the threads of the blocking pool. Each nursery is a process of its
/// own, whose threads are the rows of its fibers.
struct TraceEvents {
  private let begin: Int64
  private var json = JSONText()

  private static let workers = 1
  private static let firstNursery = 10
  private static let otherThreads = 1000

  init(begin: Int64) { self.begin = begin }

  var size: Int { json.text.utf8.count }
  mutating func take() -> String { json.takeText() }

  private func process(_ owner: Int) -> Int { owner < 0 ? Self.firstNursery - 1 : Self.firstNursery + owner }
  private func thread(_ track: Int, _ model: TraceModel) -> Int {
    model.workers[track].map { $0 + 1 } ?? Self.otherThreads
  }

  private mutating func event(
    _ phase: String, _ name: String, process: Int, thread: Int, at time: Int64,
    _ rest: (inout JSONText) -> Void = { _ in }
  ) {
    let begin = begin
    json.object { json in
      json.field("ph", phase)
      json.field("name", name)
      json.field("pid", process)
      json.field("tid", thread)
      json.field("ts", microseconds: time - begin)
      rest(&json)
    }
  }

  private mutating func slice(
    _ name: String, process: Int, thread: Int, _ time: Range<Int64>, _ arguments: (inout JSONText) -> Void = { _ in }
  ) {
    event("X", name, process: process, thread: thread, at: time.lowerBound) { json in
      json.field("dur", microseconds: time.upperBound - time.lowerBound)
      json.object("args", arguments)
    }
  }

  private mutating func call(_ what: String, _ name: String, process: Int, thread: Int = 0) {
    event("M", what, process: process, thread: thread, at: begin) { $0.object("args") { $0.field("name", name) } }
  }

  mutating func addNames(of model: TraceModel) {
    call("process_name", "workers", process: Self.workers)
    for track in model.workers.indices {
      call("thread_name", model.label(track: track), process: Self.workers, thread: thread(track, model))
    }
    for scope in Set(model.fibers.map { model.owner(of: $0.home) }).sorted() {
      call("process_name", scope < 0 ? "fibers" : model.label(scope: scope), process: process(scope))
    }
  }

  /// What a worker runs, and the arrow from the fiber that has made it run.
  mutating func add(_ run: TraceModel.Run, _ model: TraceModel) {
    let thread = thread(run.track, model)
    slice(model.label(run.fiber), process: Self.workers, thread: thread, run.begin..<max(run.begin, run.end)) { json in
      switch run.departure {
      case .waits, .joins: json.field("then", model.wait(after: run))
      case .yields: json.field("then", "yields")
      case .ends: json.field("then", "has ended")
      case .idles, nil: json.field("then", "still runs")
      }
    }
    guard run.wake >= 0, model.wakes[run.wake].waker >= 0 else { return }
    let wake = model.wakes[run.wake]
    let name = wake.cause == nil ? "spawns" : "wakes"
    event("s", name, process: Self.workers, thread: self.thread(wake.track, model), at: wake.time) { json in
      json.field("cat", "wakeup")
      json.field("id", run.wake)
    }
    event("f", name, process: Self.workers, thread: thread, at: run.begin) { json in
      json.field("cat", "wakeup")
      json.field("id", run.wake)
      json.field("bp", "e")
    }
  }

  mutating func add(_ moment: TraceModel.Moment, _ model: TraceModel) {
    event("i", moment.text, process: Self.workers, thread: thread(moment.track, model), at: moment.time) { json in
      json.field("s", "t")
      if moment.fiber >= 0 { json.object("args") { $0.field("fiber", model.label(moment.fiber)) } }
    }
  }

  /// The life of a fiber: its runs, and what is between them.
  mutating func add(fiber index: Int, _ lanes: TraceLanes, _ model: TraceModel) {
    let process = process(lanes.ownerOf[index])
    let thread = lanes.laneOf[index] + 1
    let fiber = model.fibers[index]
    slice(model.label(index), process: process, thread: thread, model.life(of: index)) { json in
      if fiber.site.line > 0 { json.field("spawned", fiber.site.description) }
      if let ending = fiber.ending { json.field("ending", "\(ending)") }
    }
    for stay in model.stays(of: index) {
      slice(stay.text, process: process, thread: thread, stay.time) { json in
        if let by = stay.wokenBy { json.field("woken by", by) }
      }
    }
  }

  mutating func add(_ span: TraceModel.Span, _ number: Int, _ lanes: TraceLanes, _ model: TraceModel) {
    let process = process(lanes.ownerOf[span.fiber])
    for (phase, time) in [("b", span.begin), ("e", span.end)] {
      event(phase, span.name, process: process, thread: lanes.laneOf[span.fiber] + 1, at: time) { json in
        json.field("cat", "span")
        json.field("id", number)
      }
    }
  }

  /// When the coroutine was suspended that has a scope open.
  mutating func addSuspensions(of index: Int, _ model: TraceModel) {
    let process = process(model.owner(of: index))
    for (number, time) in model.scopes[index].suspensions.enumerated() {
      for (phase, time) in [("b", time.lowerBound), ("e", time.upperBound)] {
        event(phase, "\(model.label(scope: index)) is suspended", process: process, thread: 0, at: time) { json in
          json.field("cat", "suspension")
          json.field("id", "\(index).\(number)")
        }
      }
    }
  }

  mutating func add(_ call: TraceModel.Call, _ model: TraceModel) {
    let threads = Set(model.calls.map(\.thread)).sorted()
    let thread = Self.otherThreads + 1 + threads.firstIndex(of: call.thread)!
    let text = call.fiber < 0 ? "a blocking call" : "blocking call of \(model.label(call.fiber))"
    slice(text, process: Self.workers, thread: thread, call.begin..<max(call.begin, call.end))
  }
}
