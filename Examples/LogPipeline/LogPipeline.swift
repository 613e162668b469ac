import Nursery

/// Reads access logs as they grow, and shows what has happened in each window of time.
///
/// A pipeline: the files' lines are parsed where they are read, one fiber a file, and merged with the ticks of a clock.
/// The loop at its end has the windows for itself.
package struct LogPipeline: Sendable {
  private enum Event: Sendable {
    case entry(AccessEntry)
    case garbage
    case tick
    case end

    init(line: String) { self = AccessEntry(line).map { .entry($0) } ?? .garbage }

    var isEnd: Bool { if case .end = self { true } else { false } }
  }

  private let options: LogOptions

  package init(_ options: LogOptions) { self.options = options }

  /// Calls `show` with each window when it is complete, and `showLive` each second with the one that grows.
  ///
  /// When an enclosing nursery drains, it reads what has been written, shows the windows that are open, and returns.
  package func run(
    show: (TimeWindow, Tally) throws -> Void, showLive: (TimeWindow?, Tally) throws -> Void = { _, _ in }
  ) throws {
    let start = options.since?.start(from: .now)
    let files = options.files.map { path in
      LogLines.following(path, fromBeginning: start != nil, polling: options.polling).map { Event(line: $0) }
    }
    let ticks = Ticker(every: .seconds(1)).pipeline().map { _ in Event.tick }
    let events = Flow.merge(files).concat([Event.end].pipeline()).merge(ticks).prefix { !$0.isEnd }
    var tally = Tally(length: options.window)
    try events.forEach { event in
      switch event {
      case .entry(let entry): if start.map({ entry.time >= $0 }) ?? true { tally.add(entry) }
      case .garbage: tally.addGarbage()
      case .tick:
        for window in tally.takeFinished(at: .now) { try show(window, tally) }
        try showLive(tally.latest, tally)
      case .end: break
      }
    }
    for window in tally.takeAll() { try show(window, tally) }
  }
}
