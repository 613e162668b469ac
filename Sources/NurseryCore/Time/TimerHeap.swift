import CSwitch

/// The target of a timer: an offer to commit or a scope's deadline.
enum TimerTarget {
  case offer(OfferRef)
  case deadline(ScopeRef)
}

/// The timers of one worker or thread: a heap with four children to a node that knows each timer's position.
///
/// A losing timer is removed at once and leaves nothing behind. Targets lie on the stacks of parked fibers, in no
/// cache. So tickets refer to them, and moving an entry touches only the heap and one table. Equal deadlines fire in
/// creation order: `sequence` breaks ties. All methods are called under the owner's timer lock.
struct TimerHeap: ~Copyable {
  private struct Entry {
    var deadline: Int64
    var sequence: UInt64
    var ticket: Int32

    @inline(__always)
    func isEarlier(than other: Entry) -> Bool {
      deadline < other.deadline || deadline == other.deadline && sequence < other.sequence
    }
  }

  private struct Holder {
    var target: TimerTarget
    /// The entry's position; for a free ticket the next free one, or -1.
    var position: Int32
  }

  private(set) var count = 0
  private var capacity = 0
  private var entries: UnsafeMutablePointer<Entry>
  private var holders: UnsafeMutablePointer<Holder>
  private var freeTicket: Int32 = -1
  private var ticketsMade: Int32 = 0
  private var sequence: UInt64 = 0

  /// Memory for more than this is given back when the last timer has gone.
  private static var keptCapacity: Int { 4096 }

  init() {
    entries = .allocate(capacity: 0)
    holders = .allocate(capacity: 0)
  }

  deinit {
    entries.deallocate()
    holders.deallocate()
  }

  /// The earliest deadline, or the end of time.
  var earliest: Int64 { count == 0 ? .max : entries.pointee.deadline }

  /// The deadline of a timer.
  func deadline(_ ticket: Int32) -> Int64 { entries[Int(holders[Int(ticket)].position)].deadline }

  /// Adds a timer and returns its ticket.
  mutating func insert(_ target: TimerTarget, deadline: Int64) -> Int32 {
    if count == capacity { resize(to: max(16, capacity * 2)) }
    let ticket: Int32
    if freeTicket >= 0 {
      ticket = freeTicket
      freeTicket = holders[Int(ticket)].position
    } else {
      ticket = ticketsMade
      ticketsMade += 1
    }
    (holders + Int(ticket)).initialize(to: Holder(target: target, position: 0))
    sequence += 1
    count += 1
    siftUp(Entry(deadline: deadline, sequence: sequence, ticket: ticket), from: count - 1)
    return ticket
  }

  /// Removes and returns the target that is due, if one is.
  mutating func popDue(_ now: Int64) -> TimerTarget? {
    guard count > 0, entries.pointee.deadline <= now else { return nil }
    let ticket = entries.pointee.ticket
    let target = holders[Int(ticket)].target
    remove(ticket)
    if count > 0, case .offer(let next) = holders[Int(entries.pointee.ticket)].target { cs_prefetch(next) }
    return target
  }

  mutating func remove(_ ticket: Int32) {
    let position = Int(holders[Int(ticket)].position)
    holders[Int(ticket)].position = freeTicket
    freeTicket = ticket
    count -= 1
    if position < count {
      let last = entries[count]
      if position > 0, last.isEarlier(than: entries[(position - 1) / 4]) {
        siftUp(last, from: position)
      } else {
        siftDown(last, from: position)
      }
    } else if count == 0, capacity > Self.keptCapacity {
      freeTicket = -1
      ticketsMade = 0
      resize(to: 0)
    }
  }

  /// Puts the entry at the free position or further up.
  @inline(__always)
  private mutating func siftUp(_ entry: Entry, from start: Int) {
    var position = start
    while position > 0 {
      let parent = (position - 1) / 4
      guard entry.isEarlier(than: entries[parent]) else { break }
      place(entries[parent], at: position)
      position = parent
    }
    place(entry, at: position)
  }

  /// Puts the entry at the free position or further down.
  private mutating func siftDown(_ entry: Entry, from start: Int) {
    var position = start
    while true {
      let first = 4 * position + 1
      guard first < count else { break }
      var child = first
      for other in first + 1..<min(first + 4, count) where entries[other].isEarlier(than: entries[child]) {
        child = other
      }
      guard entries[child].isEarlier(than: entry) else { break }
      place(entries[child], at: position)
      position = child
    }
    place(entry, at: position)
  }

  @inline(__always)
  private mutating func place(_ entry: Entry, at position: Int) {
    entries[position] = entry
    holders[Int(entry.ticket)].position = Int32(truncatingIfNeeded: position)
  }

  @inline(never)
  private mutating func resize(to newCapacity: Int) {
    let newEntries = UnsafeMutablePointer<Entry>.allocate(capacity: newCapacity)
    let newHolders = UnsafeMutablePointer<Holder>.allocate(capacity: newCapacity)
    newEntries.moveInitialize(from: entries, count: count)
    newHolders.moveInitialize(from: holders, count: Int(ticketsMade))
    entries.deallocate()
    holders.deallocate()
    entries = newEntries
    holders = newHolders
    capacity = newCapacity
  }
}
