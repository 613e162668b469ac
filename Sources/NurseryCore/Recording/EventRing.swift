import Synchronization

package typealias EventRingRef = UnsafeMutablePointer<EventRing>

/// The last events of one writer, which readers take without stopping it.
///
/// The writer counts an event after it has written it:
///
///     writer     written = n                   fence   the words of event n       written = n + 1
///     reader     copies events up to written   fence   reads written again, and drops what may have been overwritten
///
/// Invariant: if a copied word belongs to event n, the reader's second look finds `written` at least n, because the
/// writer's fence orders `written = n` before the words. Event n takes the place of event n - capacity. So of what the
/// reader has copied, the events after `written - capacity` are whole. All words are atomic, so there is no data race.
package struct EventRing: ~Copyable {
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  package let capacity: Int
  private let mask: Int
  /// Whether the times of its events are the processor's counter.
  let usesTicks: Bool
  private let written = Atomic<Int>(0)

  /// The bytes of an event.
  package static let stride = 32
  private static let wordsPerEvent = 4

  /// - Parameter capacity: a power of two.
  init(capacity: Int, usesTicks: Bool) {
    self.capacity = capacity
    self.usesTicks = usesTicks
    mask = capacity - 1
    words = .allocate(capacity: capacity * Self.wordsPerEvent)
    for index in 0..<capacity * Self.wordsPerEvent { (words + index).initialize(to: Atomic(0)) }
  }

  deinit { words.deallocate() }

  /// Adds an event; called by one thread at a time.
  @inline(__always)
  func append(_ time: Int64, _ info: UInt64, _ subject: UInt64, _ object: UInt64) {
    let index = written.load(ordering: .relaxed)
    let place = words + (index & mask) &* Self.wordsPerEvent
    atomicMemoryFence(ordering: .releasing)
    place.pointee.store(UInt64(bitPattern: time), ordering: .relaxed)
    (place + 1).pointee.store(info, ordering: .relaxed)
    (place + 2).pointee.store(subject, ordering: .relaxed)
    (place + 3).pointee.store(object, ordering: .relaxed)
    written.store(index &+ 1, ordering: .releasing)
  }

  /// Adds an event, and the text that belongs to it.
  @inline(never)
  func append(_ time: Int64, _ info: UInt64, _ subject: UInt64, _ object: UInt64, text: String) {
    append(time, info, subject, object)
    var text = text
    text.withUTF8 { bytes in
      let bytes = bytes.prefix(RecordedEvent.longestText)
      var start = 0
      while start < bytes.count {
        let piece = bytes[start..<min(start + RecordedEvent.textSize, bytes.count)]
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: piece) }
        let event = RecordedEvent(.text, detail: UInt8(piece.count))
        append(time, event.info, words.0, words.1)
        start += piece.count
      }
    }
  }

  /// How many events have been written.
  package var count: Int { written.load(ordering: .acquiring) }

  /// Copies the events from number `start` on that are still there; called by any thread.
  ///
  /// - Returns: the events, and the number of the first of them.
  package func read(from start: Int = 0) -> (first: Int, events: [RecordedEvent]) {
    let end = written.load(ordering: .acquiring)
    let begin = max(start, end - capacity)
    guard begin < end else { return (end, []) }
    var events: [RecordedEvent] = []
    events.reserveCapacity(end - begin)
    for index in begin..<end { events.append(copy(index)) }
    atomicMemoryFence(ordering: .acquiring)
    let now = written.load(ordering: .relaxed)
    let overwritten = min(max(0, now - capacity + 1 - begin), events.count)
    events.removeFirst(overwritten)
    return (begin + overwritten, events)
  }

  private func copy(_ index: Int) -> RecordedEvent {
    let place = words + (index & mask) &* Self.wordsPerEvent
    return RecordedEvent(
      time: Int64(bitPattern: place.pointee.load(ordering: .relaxed)),
      info: (place + 1).pointee.load(ordering: .relaxed),
      subject: (place + 2).pointee.load(ordering: .relaxed), object: (place + 3).pointee.load(ordering: .relaxed))
  }
}
