import Synchronization
import TestSupport
import Testing

@testable import NurseryCore

/// The ring of the flight recorder: one writer, readers that do not stop it.
struct EventRingTests {
  @Test func theLastEventsAreKeptInOrder() {
    let ring = EventRingRef.new(EventRing(capacity: 64, usesTicks: false))
    defer { ring.destroy() }
    for number in 0..<1000 { ring.pointee.append(Int64(number), 1, UInt64(number), 0) }
    let (first, events) = ring.pointee.read()
    #expect(events.last?.time == 999)
    #expect(events.count >= 63)
    #expect(first == 1000 - events.count)
    #expect(events.map(\.time) == Array(Int64(first)..<1000))
    #expect(ring.pointee.read(from: 990).events.map(\.time) == Array(990..<1000))
    #expect(ring.pointee.read(from: 1000).events.isEmpty)
  }

  @Test func aTextIsCutAtSixtyFourBytes() {
    let ring = EventRingRef.new(EventRing(capacity: 64, usesTicks: false))
    defer { ring.destroy() }
    let name = String(repeating: "abcdefghij", count: 9)
    ring.pointee.append(0, RecordedEvent(.spawned).info, 1, 2, text: name)
    let events = ring.pointee.read().events
    #expect(events.map(\.kind) == [.spawned, .text, .text, .text, .text])
    let bytes = events.dropFirst().flatMap(\.textBytes)
    #expect(String(decoding: bytes, as: UTF8.self) == name.prefix(64))
  }

  @Test func aReaderSeesWholeEventsWhileTheWriterOverwritesThem() throws {
    let ring = EventRingRef.new(EventRing(capacity: 128, usesTicks: false))
    defer { ring.destroy() }
    let isOver = Counter()
    let writer = PlainThread {
      var number: UInt64 = 0
      while isOver.value == 0 {
        number += 1
        ring.pointee.append(Int64(number), number &* 3, number &* 5, number &* 7)
      }
    }
    var seen = 0
    while seen < 2000 {
      let (first, events) = ring.pointee.read()
      for (offset, event) in events.enumerated() {
        let number = UInt64(first + offset + 1)
        let isWhole =
          event.time == Int64(number) && event.info == number &* 3 && event.subject == number &* 5
          && event.object == number &* 7
        if !isWhole { Issue.record("event \(number) is \(event)") }
      }
      seen += max(1, events.count)
    }
    isOver.add()
    try writer.join()
  }
}
