/// What the events of a recording amount to: fibers with their runs and waits, scopes, and who woke whom.
struct TraceModel {
  /// A fiber, as far as the recording knows it.
  struct Fiber {
    let id: UInt64
    var name: String?
    var site = SourceSite()
    /// The scope that it is a child of; -1 if that is unknown.
    var home = -1
    /// Nil if that was before the recording begins.
    var spawned: Int64?
    var ended: Int64?
    var ending: RecordedEvent.Ending?
    /// Its runs, in order.
    var runs: [Int] = []
  }

  /// The time from a switch to a fiber until the next switch on that worker.
  struct Run {
    let fiber: Int
    let track: Int
    let begin: Int64
    var end: Int64
    /// How the fiber has left; nil if it still runs.
    var departure: RecordedEvent.Departure?
    /// On how many branches it waits afterwards.
    var branches = 0
    /// What it waits for afterwards: an index in `texts`, or -1.
    var kind = -1
    /// The wakeup, or the spawn, that has made it run; -1 for none.
    let wake: Int
  }

  struct Wake {
    let time: Int64
    let fiber: Int
    /// The fiber that has done it; -1 for none.
    let waker: Int
    let track: Int
    /// Nil for a spawn.
    let cause: RecordedEvent.Cause?
  }

  struct Scope {
    var kind: RecordedEvent.Scope
    /// The names of the nurseries around and its own.
    var path: String
    var site: SourceSite
    /// -1 for none.
    var parent: Int
    /// The fiber that has opened it; -1 if that is unknown.
    var host = -1
    /// Nil if that was before the recording begins.
    var opened: Int64?
    var closed: Int64?
    var cancelled: (time: Int64, reason: RecordedEvent.Reason, by: Int)?
    /// When it was open and no part of what any fiber did: the coroutine was suspended whose body has opened it.
    var suspensions: [Range<Int64>] = []
  }

  /// What takes no time.
  struct Moment {
    let time: Int64
    let track: Int
    /// -1 for none.
    let fiber: Int
    let text: String
  }

  struct Span {
    let fiber: Int
    let name: String
    let begin: Int64
    var end: Int64
  }

  struct Call {
    let fiber: Int
    let thread: UInt64
    let begin: Int64
    var end: Int64
  }

  /// A scope whose deadline has ended it, and its host.
  struct Timeout {
    let scope: Int
    let fiber: Int
  }

  let recording: Recording
  /// The workers' numbers by track; nil for the other threads.
  let workers: [Int?]
  var fibers: [Fiber] = []
  var scopes: [Scope] = []
  var runs: [Run] = []
  var wakes: [Wake] = []
  var moments: [Moment] = []
  var spans: [Span] = []
  var calls: [Call] = []
  /// By their numbers.
  var timeouts: [UInt64: Timeout] = [:]
  /// What is waited for.
  var texts: [String] = []
  /// When the recording begins and ends.
  private(set) var begin = Int64.max
  var end: Int64

  init(_ recording: Recording) {
    var builder = TraceBuilder(TraceModel(unfilled: recording))
    builder.addAll()
    self = builder.model
  }

  private init(unfilled recording: Recording) {
    self.recording = recording
    workers = recording.tracks.map(\.worker)
    end = recording.now
    for track in recording.tracks {
      if let first = track.events.first { begin = min(begin, first.time) }
      if let last = track.events.last { end = max(end, last.time) }
    }
    begin = min(begin, end)
  }

  // MARK: Texts

  /// "fiber "reader"", or by its number; in a deterministic scheduler, where another run gives other numbers, by the
  /// order in which they come.
  func label(_ fiber: Int) -> String {
    if let name = fibers[fiber].name { return "fiber \"\(name)\"" }
    if fibers[fiber].id == 0 { return "the root fiber" }
    return "fiber #\(recording.isDeterministic ? UInt64(fiber) : fibers[fiber].id)"
  }

  func label(scope index: Int) -> String {
    let scope = scopes[index]
    let name = scope.path.isEmpty ? "" : " \"\(scope.path)\""
    let place = scope.site.line > 0 ? " opened at \(scope.site)" : ""
    switch scope.kind {
    case .run: return "the run"
    case .daemons: return "daemons of nursery\(name)\(place)"
    case .nursery: return "nursery\(name)\(place)"
    case .call: return "a call\(place)"
    case .scope: return "a scope\(place)"
    case .shield: return "a shield\(place)"
    }
  }

  func label(track: Int) -> String { workers[track].map { "worker \($0)" } ?? "other threads" }

  /// What a fiber does after a run, before it can run again.
  func wait(after run: Run) -> String {
    run.departure == .waits ? "waits: \(object(after: run))" : "waits for \(object(after: run))"
  }

  /// What a fiber waits for after a run.
  func object(after run: Run) -> String {
    guard run.departure == .waits else { return "its children" }
    let others = run.branches > 1 ? " or \(run.branches - 1) more" : ""
    return (run.kind < 0 ? "an operation" : texts[run.kind]) + others
  }

  /// The innermost scope, of this one and those around it, that has a row of its own: a nursery, daemons or the run.
  func owner(of scope: Int) -> Int {
    var scope = scope
    while scope >= 0 {
      switch scopes[scope].kind {
      case .nursery, .daemons, .run: return scope
      case .call, .scope, .shield: scope = scopes[scope].parent
      }
    }
    return -1
  }

  /// When the fiber is first and last seen.
  func life(of fiber: Int) -> Range<Int64> {
    let runs = fibers[fiber].runs
    let first = fibers[fiber].spawned ?? begin
    let last = fibers[fiber].ended ?? end
    let latest = runs.last.map { self.runs[$0].end } ?? last
    // It leaves its worker after its end has been recorded.
    return first..<max(first, last, latest)
  }
}
