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
  private let reportsChanges: Bool
  private let isSeatTaken = Atomic<Bool>(false)
  /// How often it has been asked.
  let asked = Atomic<Int>(0)
  private let events = UnsafeMutableBufferPointer<cs_ready>.allocate(capacity: 256)

  private static let lastID = Atomic<UInt32>(0)

  init(_ kind: Configuration.Readiness) throws(SystemError) {
    backend = kind == .poll ? try PollBackend() : try EpollBackend()
    reportsChanges = backend.reportsChanges
    id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
    Self.lock.lock()
    Self.backends[id] = backend
    Self.lock.unlock()
  }

  deinit {
    events.deallocate()
    Self.lock.lock()
    Self.backends[id] = nil
    Self.lock.unlock()
  }

  // MARK: All of them

  private static let lock = SpinLock(.reactors)
  /// By reactor's number; no weak references, which would make each strong one dear.
  nonisolated(unsafe) private static var backends: [UInt32: any ReactorBackend] = [:]

  /// Calls `body` for each that is still there; briefly, because the others wait.
  static func forEachLiving(_ body: (UInt32, any ReactorBackend) -> Void) {
    lock.lock()
    defer { lock.unlock() }
    for (id, backend) in backends { body(id, backend) }
  }

  // MARK: Before somebody waits

  /// Whether a wait for this descriptor of ours needs no more than to be begun.
  func reportsAlready(_ record: DescriptorRef) -> Bool {
    reportsChanges && record.pointee.reactor.load(ordering: .relaxed) == id
      && record.pointee.isOwned.load(ordering: .relaxed)
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
  ///
  /// With a thousand connections none of it is in a cache, so memory is asked for what a dozen events need at once.
  func tell(_ count: Int) {
    var rest = events[..<count]
    while !rest.isEmpty {
      let some = rest.prefix(12)
      rest = rest.dropFirst(12)
      if some.count > 4 {
        for event in some { event.record?.fetch() }
        for event in some { event.record?.readers.fetch() }
        for event in some { event.record?.readers.fetchFirst() }
      }
      for event in some {
        let generation = UInt32(truncatingIfNeeded: event.token >> 32)
        event.record?.note(Interest(rawValue: event.ready), generation: generation)
      }
    }
  }
}

extension cs_ready {
  /// Whom it concerns; nil for the bell.
  fileprivate var record: DescriptorRef? {
    token == Reactor.bellToken ? nil : DescriptorTable.record(Int32(truncatingIfNeeded: token & 0xFFFF_FFFF))
  }
}
