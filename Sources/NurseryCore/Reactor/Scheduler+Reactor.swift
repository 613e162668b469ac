import CSwitch
import Synchronization

// Which worker polls the reactor, and when:
//
//     a busy worker               every 64 switches, without waiting
//     a worker without fibers     without waiting, before it goes to sleep
//     the last to fall asleep     sleeps in the reactor, if a fiber waits for a descriptor; its bell or the time wakes it
//     the monitor                 if no worker has polled since its last inspection
//
// So while a worker is busy, none sleeps in the reactor, and a message that wakes one fiber does not wake a second
// thread.
//
// Invariant: if a fiber waits for a descriptor, then a worker is busy, and the monitor looks, or one sleeps in the reactor. An event
// that is not yet polled stays with the kernel, so a late poll loses none.
extension Scheduler {
  /// The reactor, if a fiber has ever waited for a descriptor here.
  @inline(__always)
  var reactorIfAny: Reactor? {
    guard let pointer = reactorPointer.load(ordering: .acquiring) else { return nil }
    return Unmanaged<Reactor>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// The reactor; made at the first call.
  func reactor() throws(SystemError) -> Reactor {
    if let reactor = reactorIfAny { return reactor }
    workers.lock.lock()
    defer { workers.lock.unlock() }
    if let reactor = reactorIfAny { return reactor }
    let reactor = try Reactor(readiness)
    reactorPointer.store(Unmanaged.passRetained(reactor).toOpaque(), ordering: .releasing)
    return reactor
  }

  /// Polls without waiting, and makes the fibers concerned ready; does nothing if another thread is polling.
  func askReactor() {
    guard let reactor = reactorIfAny, reactor.takeSeat() else { return }
    let found = reactor.ask(nanoseconds: 0)
    if found > 0 { reactor.tell(found) }
    reactor.leaveSeat()
  }

  /// Makes the calling worker the poller if it has to sleep in the reactor: all workers sleep, and a fiber waits for a
  /// descriptor.
  func seatToSleepIn(allAsleep: Bool) -> Reactor? {
    guard allAsleep, expectsOutside, let reactor = reactorIfAny, reactor.takeSeat() else {
      return nil
    }
    return reactor
  }
}

extension UnsafeMutablePointer<SleepWord> {
  /// Sleeps in a reactor, whose poller the caller is, until there are events, its bell rings or the time is up.
  ///
  /// - Returns: the number of events.
  func wait(in reactor: Reactor, nanoseconds: Int64) -> Int {
    guard pointee.beginPolling(bell: reactor.backend.bell) else { return 0 }
    return reactor.ask(nanoseconds: nanoseconds)
  }
}
