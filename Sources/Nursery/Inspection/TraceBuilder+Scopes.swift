/// Scopes, from their openings to their ends. The opening of one may have been overwritten; then what is in it, and its
/// end, tell of it.
extension TraceBuilder {
  /// Knows the scopes that were opened before the recording begins; an address that is opened in it belonged to another
  /// before.
  mutating func addLivingScopes(_ entries: [TraceEntry]) {
    var opened: Set<UInt64> = []
    for entry in entries where entry.event.kind == .opened { opened.insert(entry.event.place) }
    for scope in model.recording.scopes where !opened.contains(scope.address) {
      scopeAt[scope.address] = model.scopes.count
      model.scopes.append(
        TraceModel.Scope(kind: scope.kind, path: scope.path, site: scope.site, parent: scopeAt[scope.parent] ?? -1))
    }
  }

  mutating func scope(at address: UInt64) -> Int {
    if address == 0 { return -1 }
    if let known = scopeAt[address] { return known }
    let index = model.scopes.count
    scopeAt[address] = index
    model.scopes.append(TraceModel.Scope(kind: .nursery, path: "", site: SourceSite(), parent: -1))
    return index
  }

  mutating func addOpening(_ event: RecordedEvent, _ track: Int, _ name: String?) {
    let kind = RecordedEvent.Scope(rawValue: event.detail) ?? .scope
    // What is around a run is another run's, or a plain thread's.
    let parent = kind == .run ? -1 : scope(at: event.subject)
    let index = model.scopes.count
    scopeAt[event.place] = index
    let around = parent < 0 ? "" : model.scopes[parent].path
    let path = name.map { around.isEmpty ? $0 : "\(around)/\($0)" } ?? around
    model.scopes.append(
      TraceModel.Scope(
        kind: kind, path: path, site: SourceSite(word: event.object),
        parent: parent, host: tracks[track].fiber, opened: event.time))
  }

  mutating func addClosing(_ event: RecordedEvent) {
    guard let index = scopeAt.removeValue(forKey: event.place) else { return }
    model.scopes[index].closed = event.time
    aroundResumed[index] = nil
    closedAt[event.place] = index
    if model.scopes[index].opened == nil, model.scopes[index].parent < 0, event.subject != RecordedEvent.nobody {
      model.scopes[index].parent = scope(at: event.subject)
    }
  }

  // MARK: Suspensions

  /// The scopes from this one outwards that one coroutine has open, which is in the scope `base`.
  private func path(from innermost: Int, to base: Int) -> [Int] {
    var path: [Int] = []
    var scope = innermost
    while scope >= 0, scope != base, path.count < model.scopes.count {
      path.append(scope)
      scope = aroundResumed[scope] ?? model.scopes[scope].parent
    }
    return path
  }

  mutating func addSuspension(_ event: RecordedEvent) {
    let base = scope(at: event.subject)
    let path = path(from: scope(at: event.place), to: base)
    for index in path { suspendedSince[index] = event.time }
    if let outermost = path.last, model.scopes[outermost].parent < 0 { model.scopes[outermost].parent = base }
  }

  mutating func addResumption(_ event: RecordedEvent) {
    let base = scope(at: event.subject)
    let innermost = scope(at: event.place)
    if suspendedSince[innermost] == nil, model.scopes[innermost].opened == nil {
      // It was suspended when the recording began; of those around it that is not known.
      suspendedSince[innermost] = model.begin
    }
    var outermost = innermost
    var index = innermost
    while index >= 0, let since = suspendedSince.removeValue(forKey: index) {
      model.scopes[index].suspensions.append(since..<max(since, event.time))
      outermost = index
      index = model.scopes[index].parent
    }
    if model.scopes[outermost].parent < 0 { model.scopes[outermost].parent = base }
    aroundResumed[outermost] = base
  }

  /// What is still suspended when the recording ends, with events or without.
  mutating func endSuspensions() {
    for scope in model.recording.scopes where scope.isSuspended {
      guard let index = scopeAt[scope.address], model.scopes[index].suspensions.isEmpty else { continue }
      if suspendedSince[index] == nil { suspendedSince[index] = model.begin }
    }
    for (index, since) in suspendedSince { model.scopes[index].suspensions.append(since..<max(since, model.end)) }
    suspendedSince = [:]
  }

  mutating func addTimeout(_ event: RecordedEvent, _ track: Int) {
    let host = fiber(event.subject)
    if !tracks[track].isKnown, model.workers[track] != nil {
      // It has run since the recording began.
      tracks[track].isKnown = true
      tracks[track].fiber = host
    }
    // Its cancellation, at least, comes shortly before.
    guard let scope = closedAt[event.place] else { return }
    if model.scopes[scope].opened == nil { model.scopes[scope].kind = .scope }
    model.timeouts[event.object] = TraceModel.Timeout(scope: scope, fiber: host)
  }

  mutating func addCancellation(_ event: RecordedEvent, _ track: Int) {
    let canceller = fiber(event.object)
    if event.place == 0 {
      let index = fiber(event.subject)
      addMoment(event, track, "cancels \(model.label(index))", by: canceller)
    } else {
      let isKnown = scopeAt[event.place] != nil
      let index = scope(at: event.place)
      let reason = RecordedEvent.Reason(rawValue: event.detail) ?? .requested
      model.scopes[index].cancelled = (event.time, reason, canceller)
      guard isKnown else { return }
      addMoment(event, track, "\(model.label(scope: index)) is cancelled: \(reason)", by: canceller)
    }
  }
}
