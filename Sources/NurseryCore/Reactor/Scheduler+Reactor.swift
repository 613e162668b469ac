import CSwitch
import Synchronization

// Who asks the reactor, and when:
//
//     a worker that works         every 64 switches, without waiting
//     one that has run dry        without waiting, before it goes to sleep
//     the last to fall asleep     sleeps in the reactor, if anybody waits for the world; woken by its bell, or by the time
//     who keeps watch             if nobody has asked since its last inspection
//
// So while anybody works nobody sleeps in the reactor, and a message that wakes one fiber does not wake a second thread for it.
//
// Invariant: if somebody waits for a descriptor, then a worker works, or one sleeps in the reactor, or one inspects. An event that
// nobody has asked for stays with the kernel; none is lost by asking late.
extension Scheduler {
  /// The reactor, if a fiber has ever waited for a descriptor here.
  @inline(__always)
  var reactorIfAny: Reactor? {
    guard let pointer = reactorPointer.load(ordering: .acquiring) else { return nil }
    return Unmanaged<Reactor>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// The reactor; made for the first who asks.
  func reactor() throws(SystemError) -> Reactor {
    if let reactor = reactorIfAny { return reactor }
    lock.lock()
    defer { lock.unlock() }
    if let reactor = reactorIfAny { return reactor }
    let reactor = try Reactor(readiness)
    reactorPointer.store(Unmanaged.passRetained(reactor).toOpaque(), ordering: .releasing)
    return reactor
  }

  /// Asks without waiting, and makes ready who is concerned; nothing if somebody else is at it.
  func askReactor() {
    guard let reactor = reactorIfAny, reactor.takeSeat() else { return }
    let found = reactor.ask(nanoseconds: 0)
    if found > 0, let me = Worker.ofThisThreadIfAny { me.tell(reactor, found) }
    reactor.leaveSeat()
  }

  /// Gives the calling worker the seat to sleep in, if it has to be taken: everybody sleeps, and somebody waits for the world.
  func seatToSleepIn(allAsleep: Bool) -> Reactor? {
    guard allAsleep, expectsOutside, let reactor = reactorIfAny, reactor.takeSeat() else {
      return nil
    }
    return reactor
  }
}

extension UnsafeMutablePointer<SleepWord> {
  /// Sleeps in a reactor, whose seat the caller has, until there are events, its bell rings or the time is up.
  ///
  /// - Returns: the number of events.
  func wait(in reactor: Reactor, nanoseconds: Int64) -> Int {
    guard pointee.beginPolling(bell: reactor.backend.bell) else { return 0 }
    return reactor.ask(nanoseconds: nanoseconds)
  }
}

extension WorkerRef {
  /// Makes ready who is concerned by what was found, and calls for help once for all of them.
  ///
  func tell(_ reactor: Reactor, _ found: Int) {
    pointee.isTelling = true
    reactor.tell(found)
    pointee.isTelling = false
    callForHelpIfUseful()
  }
}
