import CSwitch
import Synchronization

/// Wakes fibers when descriptors are ready: one for each worker whose fibers wait for any, and one for plain threads.
///
/// It has no thread. Its worker polls it now and then while it is busy, and sleeps in it (`Worker+Reactor`). It takes
/// two descriptors.
///
/// One thread at a time is the poller (it has the seat), from before it asks the kernel until it has woken all waiters
/// concerned. So one buffer holds the events, and they take no space on fibers' stacks.
package final class Reactor: @unchecked Sendable {
  static let bellToken = UInt64.max

  /// Never reused: a registration with an ended reactor is not mistaken for one with another.
  let id: UInt32
  let backend: any ReactorBackend
  private let reportsChanges: Bool
  private let isSeatTaken = Atomic<Bool>(false)
  /// Whether several workers wait in it; see `Worker+Reactor`.
  let isShared = Atomic<Bool>(false)
  /// The number of polls so far.
  let asked = Atomic<Int>(0)
  private let events: UnsafeMutableBufferPointer<cs_ready>

  private static let lastID = Atomic<UInt32>(0)

  init(_ kind: Configuration.Readiness) throws(SystemError) {
    backend = kind == .poll ? try PollBackend() : try EpollBackend()
    // Only now: an initializer that throws runs no deinitializer.
    events = .allocate(capacity: 256)
    reportsChanges = backend.reportsChanges
    id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
    Self.lock.withLock { Self.backends[id] = backend }
  }

  deinit {
    events.deallocate()
    Self.lock.withLock { Self.backends[id] = nil }
  }

  // MARK: All of them

  private static let lock = SpinLock(.reactors)
  /// By reactor's number; no weak references, which would make each strong one dear.
  nonisolated(unsafe) private static var backends: [UInt32: any ReactorBackend] = [:]

  /// Calls `body` for each that is still there; briefly, because the others wait.
  static func forEachLiving(_ body: (UInt32, any ReactorBackend) -> Void) {
    lock.withLock { for (id, backend) in backends { body(id, backend) } }
  }

  // MARK: Before a wait

  /// Whether a wait for this descriptor of ours needs no more than to be begun.
  func reportsAlready(_ record: DescriptorRef) -> Bool {
    reportsChanges && record.pointee.reactor.load(ordering: .relaxed) == id
      && record.pointee.isOwned.load(ordering: .relaxed)
  }

  // MARK: Asking

  /// Makes the caller the poller; false if another thread is.
  func takeSeat() -> Bool {
    !isSeatTaken.load(ordering: .relaxed) && !isSeatTaken.exchange(true, ordering: .acquiring)
  }

  func leaveSeat() { isSeatTaken.store(false, ordering: .releasing) }

  /// Polls without waiting, and wakes the waiters concerned; does nothing if another thread is the poller.
  func poll() {
    guard takeSeat() else { return }
    let found = ask(nanoseconds: 0)
    if found > 0 { tell(found) }
    leaveSeat()
  }

  /// Asks the kernel; the poller then wakes the waiters concerned.
  func ask(nanoseconds: Int64) -> Int {
    asked.wrappingAdd(1, ordering: .relaxed)
    return backend.wait(events, nanoseconds: nanoseconds)
  }

  /// Wakes the waiters of the events found.
  ///
  /// With a thousand connections none of the data is in a cache, so the data of a dozen events is prefetched at once.
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
  /// The record that the event concerns; nil for the bell.
  fileprivate var record: DescriptorRef? {
    token == Reactor.bellToken ? nil : DescriptorTable.record(Int32(truncatingIfNeeded: token & 0xFFFF_FFFF))
  }
}
