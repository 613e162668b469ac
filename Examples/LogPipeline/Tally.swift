import Nursery

/// The windows that are still open, and what belongs to none.
package struct Tally: Sendable {
  private let length: Duration
  /// By their numbers: how many windows after the beginning of 1970.
  private var open: [Int64: TimeWindow] = [:]
  /// The windows that have grown since the last tick.
  private var grown: Set<Int64> = []
  private var lastFinished = Int64.min
  /// How many lines were no entries.
  package private(set) var garbage = 0
  /// How many entries came after their window had been shown.
  package private(set) var late = 0

  init(length: Duration) { self.length = length }

  mutating func addGarbage() { garbage += 1 }

  mutating func add(_ entry: AccessEntry) {
    let number = entry.time.nanosecondsSince1970 / nanoseconds
    guard number > lastFinished else {
      late += 1
      return
    }
    let start = start(of: number)
    open[number, default: TimeWindow(start: start)].add(entry)
    grown.insert(number)
  }

  /// Removes the windows that are over and have not grown since the last tick, and those before them.
  ///
  /// A file that is read from its beginning is read faster than it was written: there only a pause shows that a window
  /// is complete.
  mutating func takeFinished(at now: WallTime) -> [TimeWindow] {
    defer { grown = [] }
    let last = open.keys.filter { start(of: $0 + 1) <= now && !grown.contains($0) }.max()
    return take(upTo: last ?? .min)
  }

  /// Removes all windows.
  mutating func takeAll() -> [TimeWindow] { take(upTo: open.keys.max() ?? .min) }

  /// The window that is shown while it grows.
  var latest: TimeWindow? { open.keys.max().flatMap { open[$0] } }

  private mutating func take(upTo last: Int64) -> [TimeWindow] {
    lastFinished = max(lastFinished, last)
    return open.keys.filter { $0 <= last }.sorted().compactMap { open.removeValue(forKey: $0) }
  }

  private var nanoseconds: Int64 {
    length.components.seconds * 1_000_000_000 + length.components.attoseconds / 1_000_000_000
  }

  private func start(of number: Int64) -> WallTime { WallTime(nanosecondsSince1970: number * nanoseconds) }
}
