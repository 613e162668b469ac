/// Where the time of a `withTimeout` or `withDeadline` went, up to the deadline that has ended it: of the fiber that
/// called it, and of each fiber inside.
///
///     do {
///       try withTimeout(.seconds(2)) { try loadPage() }
///     } catch let error as TimeoutError {
///       print(error)
///       if let budget = error.budget { print(budget) }
///     }
///
/// It is made of the events of the flight recorder, so there is one only if that was on.
public struct DeadlineBudget: Sendable {
  /// What a fiber, or all fibers that were spawned at one line, did until the deadline; of several the sum.
  public struct Part: Sendable {
    /// Which: "the root fiber", "fiber "reader"", "8 fibers".
    public let label: String
    /// Where they were spawned; line 0 for a root, and if that is no longer recorded.
    public let site: SourceSite
    /// How many fibers.
    public let count: Int
    /// How long they ran.
    public internal(set) var running: Duration = .zero
    /// How long they could have run, and waited for their worker.
    public internal(set) var ready: Duration = .zero
    /// What they waited for, the longest first.
    public internal(set) var waits: [Wait] = []
  }

  /// What was waited for, and how long.
  public struct Wait: Sendable {
    /// "receive from a Channel<Int>", "a timer or 1 more", "its children".
    public let description: String
    /// How long.
    public internal(set) var duration: Duration
  }

  /// The time from the beginning to the cancellation at the deadline, as far as it is known.
  public let elapsed: Duration
  /// How much of the beginning is no longer recorded, because later events have taken the place, or was not recorded.
  ///
  /// Zero if all is there; nil if that is unknown, because the beginning of a `withDeadline` is not recorded.
  public let unrecorded: Duration?
  /// How long the body, and all fibers inside, took to end after the cancellation.
  public let overrun: Duration
  /// The fiber that called `withTimeout` or `withDeadline` first; then the fibers inside, folded by the lines that have
  /// spawned them, in the order of the first of each.
  ///
  /// Empty if nothing of it is recorded.
  public let parts: [Part]
  /// How much of the time the parts account for.
  let recorded: Duration
  /// Whether later events have taken the place of others.
  let isOverwritten: Bool
}

extension TimeoutError {
  /// Where the time went; nil if it was not recorded, and for the timeout of an operation (`orTimeout`).
  ///
  /// See `Configuration.recorder`. Reads the recorder at each call. Ask soon: the recorder goes on, and keeps only the
  /// last events, in memory that lives as long as the error. Takes time in proportion to the recorded events: 25 ms for
  /// the 32,768 of a worker.
  public var budget: DeadlineBudget? { record.map { DeadlineBudget($0, allowed: duration) } }
}

extension TimeoutError: CustomDebugStringConvertible {
  /// The description, and below it the budget if there is one.
  public var debugDescription: String { budget.map { "\(self)\n\($0)" } ?? description }
}

extension DeadlineBudget {
  /// - Parameter allowed: the time of a `withTimeout`.
  init(_ record: TimeoutRecord, allowed: Duration?) {
    let model = TraceModel(record.recording)
    isOverwritten = model.recording.tracks.contains { $0.lost > 0 }
    guard let timeout = model.timeouts[record.number] else {
      elapsed = allowed ?? .zero
      unrecorded = allowed
      overrun = .zero
      recorded = .zero
      parts = []
      return
    }
    let scope = model.scopes[timeout.scope]
    let end = scope.cancelled?.time ?? scope.closed ?? model.end
    let begin = min(max(scope.opened ?? model.begin, model.complete), end)
    let opened = scope.opened ?? allowed.map { min(begin, end - $0.nanosecondsClamped) }
    elapsed = .nanoseconds(end - (opened ?? begin))
    unrecorded = opened.map { .nanoseconds(begin - $0) }
    overrun = .nanoseconds(max(0, (scope.closed ?? end) - end))
    recorded = .nanoseconds(end - begin)
    parts = begin < end ? model.parts(of: timeout, begin..<end, record) : []
  }
}

extension TraceModel {
  /// The instant from which on every track has all its events.
  fileprivate var complete: Int64 {
    recording.tracks.reduce(.min) { latest, track in
      track.lost == 0 ? latest : max(latest, track.events.first?.time ?? end)
    }
  }

  fileprivate func parts(of timeout: Timeout, _ time: Range<Int64>, _ record: TimeoutRecord) -> [DeadlineBudget.Part] {
    var groups: [(site: SourceSite, fibers: [Int])] = []
    var groupOf: [SourceSite: Int] = [:]
    let isInside = isInside(timeout.scope)
    for (index, fiber) in fibers.enumerated() where index != timeout.fiber {
      guard fiber.home >= 0, isInside[fiber.home], life(of: index).overlaps(time) else { continue }
      if groupOf[fiber.site] == nil {
        groupOf[fiber.site] = groups.count
        groups.append((fiber.site, []))
      }
      groups[groupOf[fiber.site]!].fibers.append(index)
    }
    let host = fibers[timeout.fiber].name ?? record.hostName
    let label = host.map { "fiber \"\($0)\"" } ?? self.label(timeout.fiber)
    let first = part(label, record.hostSite, [timeout.fiber], time)
    return [first] + groups.map { part(self.label($0.fibers), $0.site, $0.fibers, time) }
  }

  /// For each scope whether it is this one or inside it.
  private func isInside(_ outermost: Int) -> [Bool] {
    var isInside = [Bool?](repeating: nil, count: scopes.count)
    isInside[outermost] = true
    for start in scopes.indices {
      // A parent whose opening is not recorded may come after its children.
      var path: [Int] = []
      var scope = start
      while scope >= 0, isInside[scope] == nil {
        isInside[scope] = false
        path.append(scope)
        scope = scopes[scope].parent
      }
      if scope >= 0, isInside[scope] == true { for index in path { isInside[index] = true } }
    }
    return isInside.map { $0 ?? false }
  }

  private func label(_ group: [Int]) -> String {
    let origin = fibers[group[0]].site.line > 0 ? "" : " whose spawn is not recorded"
    if group.count == 1 { return label(group[0]) + origin }
    let names = Set(group.map { fibers[$0].name })
    return "\(group.count) fibers" + (names.count == 1 ? names.first!.map { " \"\($0)\"" } ?? "" : "") + origin
  }

  private func part(
    _ label: String, _ site: SourceSite, _ group: [Int], _ time: Range<Int64>
  ) -> DeadlineBudget.Part {
    var part = DeadlineBudget.Part(label: label, site: site, count: group.count)
    var placeOf: [String: Int] = [:]
    for stay in group.lazy.flatMap({ stays(of: $0) }) {
      let overlap = stay.time.clamped(to: time)
      let duration = Duration.nanoseconds(overlap.upperBound - overlap.lowerBound)
      if duration == .zero { continue }
      switch stay.state {
      case .runs: part.running += duration
      case .canRun: part.ready += duration
      case .waits:
        let object = stay.object ?? "what is no longer recorded"
        if placeOf[object] == nil {
          placeOf[object] = part.waits.count
          part.waits.append(DeadlineBudget.Wait(description: object, duration: .zero))
        }
        part.waits[placeOf[object]!].duration += duration
      }
    }
    // The sort is stable.
    part.waits.sort { $0.duration > $1.duration }
    return part
  }
}
