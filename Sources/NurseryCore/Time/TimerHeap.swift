/// What is due at an instant: an offer to commit or a scope's deadline.
enum TimerTarget {
  case offer(OfferRef)
  case deadline(ScopeRef)
}

/// The timers of one worker or thread: a binary heap that knows where everybody stands, so a timer that loses is removed
/// at once, and nothing of it is left.
///
/// Equal deadlines fire in creation order: `sequence` breaks ties. All methods are called under the owner's timer lock.
struct TimerHeap: ~Copyable {
  struct Entry {
    let deadline: Int64
    let sequence: UInt64
    let target: TimerTarget

    @inline(__always)
    func isEarlier(than other: Entry) -> Bool {
      deadline < other.deadline || deadline == other.deadline && sequence < other.sequence
    }
  }

  private var entries: [Entry] = []
  private var sequence: UInt64 = 0

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }
  /// The earliest deadline, or the end of time.
  var earliest: Int64 { entries.first?.deadline ?? .max }

  mutating func insert(_ target: TimerTarget, deadline: Int64) {
    sequence += 1
    entries.append(Entry(deadline: deadline, sequence: sequence, target: target))
    siftUp(entries.count - 1)
  }

  /// Removes and returns the target that is due, if one is.
  mutating func popDue(_ now: Int64) -> TimerTarget? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    remove(at: 0)
    return first.target
  }

  mutating func remove(at index: Int) {
    setPosition(entries[index].target, -1)
    let last = entries.removeLast()
    if index == entries.count {
      if entries.isEmpty, entries.capacity > 4096 { entries = [] }
      return
    }
    entries[index] = last
    setPosition(last.target, index)
    siftDown(index)
    siftUp(index)
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    let entry = entries[index]
    while index > 0 {
      let parent = (index - 1) / 2
      guard entry.isEarlier(than: entries[parent]) else { break }
      place(entries[parent], at: index)
      index = parent
    }
    place(entry, at: index)
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    let entry = entries[index]
    while true {
      var child = 2 * index + 1
      guard child < entries.count else { break }
      if child + 1 < entries.count, entries[child + 1].isEarlier(than: entries[child]) { child += 1 }
      guard entries[child].isEarlier(than: entry) else { break }
      place(entries[child], at: index)
      index = child
    }
    place(entry, at: index)
  }

  private mutating func place(_ entry: Entry, at index: Int) {
    entries[index] = entry
    setPosition(entry.target, index)
  }

  private func setPosition(_ target: TimerTarget, _ index: Int) {
    switch target {
    case .offer(let offer): offer.pointee.heapIndex = Int32(truncatingIfNeeded: index)
    case .deadline(let scope): scope.pointee.heapIndex = Int32(truncatingIfNeeded: index)
    }
  }
}
