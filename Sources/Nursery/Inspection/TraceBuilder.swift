/// Makes a `TraceModel` of the events of all tracks, in the order they happened.
struct TraceBuilder {
  var model: TraceModel
  private var fiberOf: [UInt64: Int] = [:]
  var scopeAt: [UInt64: Int] = [:]
  private var textOf: [WaitKind: Int] = [:]
  /// The wakeup of a fiber that has not run since.
  private var pending: [Int: Int] = [:]
  private var openSpans: [Int: [Int]] = [:]
  private var openCalls: [UInt64: Int] = [:]
  /// The last scope at an address that was closed.
  var closedAt: [UInt64: Int] = [:]
  /// Since when scopes are suspended.
  var suspendedSince: [Int: Int64] = [:]
  /// The scope around the outermost one of a coroutine that has been resumed elsewhere than where it was opened.
  var aroundResumed: [Int: Int] = [:]
  var tracks: [State]

  /// What a worker runs.
  struct State {
    var fiber = -1
    var since: Int64 = 0
    var wake = -1
    /// Whether a switch has been seen.
    var isKnown = false
  }

  init(_ model: TraceModel) {
    self.model = model
    tracks = model.recording.tracks.map { State(since: $0.events.first?.time ?? 0) }
  }

  mutating func addAll() {
    let entries = TraceEntry.all(of: model.recording)
    addLivingScopes(entries)
    for entry in entries { add(entry) }
    for track in tracks.indices where tracks[track].fiber >= 0 { endRun(track, model.end, nil, nil) }
    endSuspensions()
    if let root = fiberOf[0] { model.fibers[root].home = model.scopes.firstIndex { $0.kind == .run } ?? -1 }
  }

  // MARK: Finding

  mutating func fiber(_ id: UInt64) -> Int {
    if id == RecordedEvent.nobody { return -1 }
    if let known = fiberOf[id] { return known }
    let index = model.fibers.count
    fiberOf[id] = index
    var fiber = TraceModel.Fiber(id: id)
    if let living = model.recording.fibers[id] {
      fiber.name = living.name
      fiber.site = living.site
      fiber.home = scopeAt[living.home] ?? -1
    }
    model.fibers.append(fiber)
    return index
  }

  private mutating func text(of kind: WaitKind) -> Int {
    if kind.word == 0 { return -1 }
    if let known = textOf[kind] { return known }
    textOf[kind] = model.texts.count
    model.texts.append(Recording.description(of: kind))
    return model.texts.count - 1
  }

  // MARK: Events

  private mutating func add(_ entry: TraceEntry) {
    let event = entry.event
    let track = entry.track
    switch event.kind {
    case .switched: addSwitch(event, track)
    case .woken:
      addWake(event, track, fiber(event.object), RecordedEvent.Cause(rawValue: event.detail) ?? .fiber)
    case .spawned: addSpawn(event, track, entry.text)
    case .ended:
      let index = fiber(event.subject)
      model.fibers[index].ended = event.time
      model.fibers[index].ending = RecordedEvent.Ending(rawValue: event.detail)
      // Its spawn may have been overwritten.
      if model.fibers[index].home < 0 { model.fibers[index].home = scope(at: event.place) }
    case .opened: addOpening(event, track, entry.text)
    case .closed: addClosing(event)
    case .timedOut: addTimeout(event, track)
    case .suspended: addSuspension(event)
    case .resumed: addResumption(event)
    case .cancelled: addCancellation(event, track)
    case .stolen:
      let first = fiber(event.subject)
      addMoment(event, track, "stole \(model.label(first)) and perhaps others from worker \(event.object)")
    case .descriptor: addMoment(event, track, "descriptor \(event.subject) is ready")
    case .mark: addMoment(event, track, name(event), by: fiber(event.subject))
    case .spanBegan:
      let index = fiber(event.subject)
      openSpans[index, default: []].append(model.spans.count)
      model.spans.append(TraceModel.Span(fiber: index, name: name(event), begin: event.time, end: model.end))
    case .spanEnded:
      let index = fiber(event.subject)
      if let span = openSpans[index]?.popLast() { model.spans[span].end = event.time }
    case .callBegan:
      openCalls[event.object] = model.calls.count
      model.calls.append(
        TraceModel.Call(fiber: fiber(event.subject), thread: event.object, begin: event.time, end: model.end))
    case .callEnded:
      if let call = openCalls.removeValue(forKey: event.object) { model.calls[call].end = event.time }
    case .text, nil: break
    }
  }

  private mutating func addSwitch(_ event: RecordedEvent, _ track: Int) {
    let departure = RecordedEvent.Departure(rawValue: event.detail)
    if !tracks[track].isKnown, departure != .idles, departure != .ends {
      // It ran already when the recording began.
      tracks[track].fiber = fiber(event.place & 0xFFFF_FFFF)
    }
    tracks[track].isKnown = true
    if tracks[track].fiber >= 0 { endRun(track, event.time, departure, event) }
    let next = fiber(event.subject)
    tracks[track].fiber = next
    tracks[track].since = event.time
    tracks[track].wake = pending.removeValue(forKey: next) ?? -1
  }

  private mutating func endRun(
    _ track: Int, _ time: Int64, _ departure: RecordedEvent.Departure?, _ event: RecordedEvent?
  ) {
    let state = tracks[track]
    let index = model.runs.count
    var run = TraceModel.Run(
      fiber: state.fiber, track: track, begin: state.since, end: time, departure: departure, wake: state.wake)
    if departure == .waits, let event {
      run.branches = Int(event.place >> 32)
      run.kind = text(of: WaitKind(word: UInt(event.object)))
    }
    model.runs.append(run)
    model.fibers[state.fiber].runs.append(index)
  }

  private mutating func addWake(
    _ event: RecordedEvent, _ track: Int, _ waker: Int, _ cause: RecordedEvent.Cause?
  ) {
    let index = fiber(event.subject)
    if index < 0 { return }
    pending[index] = model.wakes.count
    model.wakes.append(TraceModel.Wake(time: event.time, fiber: index, waker: waker, track: track, cause: cause))
  }

  private mutating func addSpawn(_ event: RecordedEvent, _ track: Int, _ name: String?) {
    let home = scope(at: event.place)
    let index = fiber(event.subject)
    model.fibers[index].name = name
    model.fibers[index].site = SourceSite(word: event.object)
    model.fibers[index].home = home
    model.fibers[index].spawned = event.time
    addWake(event, track, tracks[track].fiber, nil)
  }

  mutating func addMoment(_ event: RecordedEvent, _ track: Int, _ text: String, by fiber: Int = -1) {
    model.moments.append(TraceModel.Moment(time: event.time, track: track, fiber: fiber, text: text))
  }

  private func name(_ event: RecordedEvent) -> String {
    UnsafePointer<CChar>(bitPattern: UInt(event.object)).map { String(cString: $0) } ?? ""
  }
}
