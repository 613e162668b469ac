import CSwitch
import Synchronization

/// Tells fibers when descriptors are ready: one for each scheduler that waits for any, and one for plain threads.
///
/// It has no thread. The workers ask it: one that goes to sleep as the last of all sleeps in it; those that work ask
/// without waiting, now and then and before they sleep; whoever keeps watch asks if nobody else has (`Scheduler+Reactor`).
///
/// One thread at a time has the seat, from before it asks the kernel until everybody has been told what it found. So the events lie in
/// one place, which no fiber's stack has to have room for.
package final class Reactor: @unchecked Sendable {
  static let bellToken = UInt64.max

  /// Never that of another one; what is registered with a reactor that has gone is so for nobody.
  let id: UInt32
  let backend: any ReactorBackend
  private let isSeatTaken = Atomic<Bool>(false)
  /// How often it has been asked.
  let asked = Atomic<Int>(0)
  private let events = UnsafeMutableBufferPointer<cs_ready>.allocate(capacity: 256)

  private static let lastID = Atomic<UInt32>(0)

  init(_ kind: Configuration.Readiness) throws(SystemError) {
    backend = kind == .poll ? try PollBackend() : try EpollBackend()
    id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
    Self.lock.lock()
    Self.all.removeAll { $0.reactor == nil }
    Self.all.append(Entry(reactor: self))
    Self.lock.unlock()
  }

  deinit { events.deallocate() }

  // MARK: All of them

  private struct Entry {
    weak var reactor: Reactor?
  }

  private static let lock = SpinLock()
  nonisolated(unsafe) private static var all: [Entry] = []

  /// Calls `body` for each that is still there; briefly, because the others wait.
  static func forEachLiving(_ body: (Reactor) -> Void) {
    lock.lock()
    defer { lock.unlock() }
    for entry in all { if let reactor = entry.reactor { body(reactor) } }
  }

  // MARK: Asking

  /// Takes the seat, which makes the caller the one who asks; false if somebody has it.
  func takeSeat() -> Bool {
    !isSeatTaken.load(ordering: .relaxed) && !isSeatTaken.exchange(true, ordering: .acquiring)
  }

  func leaveSeat() { isSeatTaken.store(false, ordering: .releasing) }

  /// Asks the kernel; who has the seat then tells those concerned.
  func ask(nanoseconds: Int64) -> Int {
    asked.wrappingAdd(1, ordering: .relaxed)
    return backend.wait(events, nanoseconds: nanoseconds)
  }

  /// Tells those who wait for what was found.
  func tell(_ count: Int) {
    for event in events.prefix(count) where event.token != Self.bellToken {
      let descriptor = Int32(truncatingIfNeeded: event.token & 0xFFFF_FFFF)
      let generation = UInt32(truncatingIfNeeded: event.token >> 32)
      DescriptorTable.record(descriptor).note(Interest(rawValue: event.ready), generation: generation)
    }
  }
}
