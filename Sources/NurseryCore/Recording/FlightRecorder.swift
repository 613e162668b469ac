import CSwitch
import Synchronization

/// The rings of one scheduler: one for each worker, and one for all other threads, behind a lock.
///
/// A ring stays as long as the recorder: a worker that has just been told to stop may still write.
package final class FlightRecorder: @unchecked Sendable {
  /// Where the times of events come from.
  enum Clock {
    /// The processor's counter; a snapshot converts it.
    case ticks
    /// The kernel, where there is no steady counter.
    case system
    /// A virtual clock, by which no two events have the same time: each is at least a nanosecond after the one before.
    case virtual
  }

  let clock: Clock
  package let capacity: Int
  private let lock = SpinLock(.leaf)
  /// By worker; under the lock.
  @exclusivity(unchecked) private var rings: [EventRingRef] = []
  /// For the other threads; written under the lock.
  private let outside: EventRingRef
  /// Both clocks when the recording began.
  private let start: (ticks: Int64, nanoseconds: Int64)
  private let virtualTime = Atomic<Int64>(0)
  /// What was recorded before this is of an earlier recording.
  private let earliest = Atomic<Int64>(.min)
  private let timeouts = Atomic<UInt64>(0)

  /// How many events a ring holds if the configuration says nothing.
  package static let usualCapacity = 32_768

  package init(capacity: Int, isVirtual: Bool) {
    self.capacity = capacity
    clock = isVirtual ? .virtual : cs_ticks_are_steady() ? .ticks : .system
    outside = .new(EventRing(capacity: capacity, usesTicks: clock == .ticks))
    start = (cs_ticks(), System.monotonicNow())
  }

  deinit {
    for ring in rings { ring.destroy() }
    outside.destroy()
  }

  /// The ring of a worker, made at the first call.
  package func ring(of worker: Int) -> EventRingRef {
    lock.withLock {
      while rings.count <= worker { rings.append(.new(EventRing(capacity: capacity, usesTicks: clock == .ticks))) }
      return rings[worker]
    }
  }

  /// A number for a timeout that no other has.
  func numberTimeout() -> UInt64 { timeouts.add(1, ordering: .relaxed).newValue }

  /// Forgets what has been recorded so far.
  package func beginAnew(now: Int64) { earliest.store(time(now), ordering: .relaxed) }

  // MARK: Times

  /// The time of the next event where it is not the processor's counter.
  ///
  /// - Parameter now: what a virtual clock says.
  @inline(never)
  func time(_ now: Int64) -> Int64 {
    switch clock {
    case .ticks: return cs_ticks()
    case .system: return System.monotonicNow()
    case .virtual: break
    }
    var last = virtualTime.load(ordering: .relaxed)
    while true {
      let next = max(last + 1, now)
      let result = virtualTime.compareExchange(expected: last, desired: next, ordering: .relaxed)
      if result.exchanged { return next }
      last = result.original
    }
  }

  private func nanoseconds(_ time: Int64, _ now: (ticks: Int64, nanoseconds: Int64)) -> Int64 {
    guard clock == .ticks else { return time }
    let elapsed = max(1, now.ticks - start.ticks)
    let rate = Double(now.nanoseconds - start.nanoseconds) / Double(elapsed)
    return start.nanoseconds + Int64(Double(time - start.ticks) * rate)
  }

  // MARK: Other threads

  /// Records an event of a thread that is none of the workers.
  @inline(never)
  package func append(outside event: RecordedEvent, text: String? = nil) {
    let time = time(0)
    lock.lock()
    if let text {
      outside.pointee.append(time, event.info, event.subject, event.object, text: text)
    } else {
      outside.pointee.append(time, event.info, event.subject, event.object)
    }
    lock.unlock()
  }

  // MARK: Reading

  /// What one thread, or all that are no workers, have recorded.
  package struct Track: Sendable {
    /// The worker's number; nil for the other threads.
    package let worker: Int?
    package internal(set) var events: [RecordedEvent]
    /// How many events before these have been overwritten.
    package let lost: Int
  }

  /// What is in the rings; called by any thread, while they are written.
  ///
  /// - Parameter positions: for each ring how many of its events are known, the other threads' first; brought up to
  /// date.
  package func read(from positions: inout [Int]) -> (tracks: [Track], now: Int64) {
    var all = [outside]
    lock.lock()
    all += rings
    lock.unlock()
    while positions.count < all.count { positions.append(0) }
    let taken = all.indices.map { index in
      let found = all[index].pointee.read(from: positions[index])
      let lost = found.first - positions[index]
      positions[index] = found.first + found.events.count
      return Track(worker: index == 0 ? nil : index - 1, events: found.events, lost: lost)
    }
    // The rate of the counter is known well enough after a while only.
    var now = (ticks: cs_ticks(), nanoseconds: System.monotonicNow())
    while clock == .ticks, now.nanoseconds - start.nanoseconds < 200_000 {
      now = (cs_ticks(), System.monotonicNow())
    }
    let tracks = taken.map { convert($0, now) }
    return (tracks, clock == .virtual ? virtualTime.load(ordering: .relaxed) : now.nanoseconds)
  }

  /// How many events there are beyond these positions, in the ring that has the most.
  package func backlog(since positions: [Int]) -> Int {
    lock.lock()
    let all = [outside] + rings
    lock.unlock()
    return all.indices.reduce(0) { most, index in
      max(most, all[index].pointee.count - (index < positions.count ? positions[index] : 0))
    }
  }

  private func convert(_ track: Track, _ now: (ticks: Int64, nanoseconds: Int64)) -> Track {
    let earliest = earliest.load(ordering: .relaxed)
    var track = track
    track.events.removeAll { $0.time < earliest }
    for index in track.events.indices {
      track.events[index].time = nanoseconds(track.events[index].time, now)
    }
    return track
  }
}
