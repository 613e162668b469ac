import CSwitch
import Synchronization

// Each worker waits for its own fibers' descriptors, in a reactor of its own: a descriptor is registered there at the
// first wait of a fiber of that worker. So what a connection does never leaves the thread of its fiber. A worker polls
//
//     while it is busy        every 64 switches, without waiting
//     when it falls asleep    it sleeps in its reactor, if a fiber of its own waits for what comes from outside; the
//                             bell, an event or the time wakes it
//
// Where fibers migrate, all workers share one reactor. A busy worker polls it, and so does a worker without fibers
// before it goes to sleep, and the monitor if no worker has since its last inspection. Only the last worker to fall
// asleep sleeps in it, so a message that wakes one fiber does not wake a second thread.
//
// A worker that can have no reactor, because the process has no descriptor left, shares the first one. Both then sleep
// in it, one as its poller, and the monitor polls it, too.
//
// Invariant: if a fiber waits for a descriptor, then a worker that shares its reactor is busy, or sleeps in it. An
// event that is not yet polled stays with the kernel, so a late poll loses none.
extension WorkerRef {
  /// The reactor, if a fiber has waited for a descriptor here.
  @inline(__always)
  var reactorIfAny: Reactor? {
    guard let pointer = pointee.reactorPointer.load(ordering: .acquiring) else { return nil }
    return Unmanaged<Reactor>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// The reactor; made at the first call, on this worker's thread.
  func reactor() throws(SystemError) -> Reactor {
    if let reactor = reactorIfAny { return reactor }
    let reactor = try pointee.scheduler!.takeUnretainedValue().makeReactor()
    pointee.reactorPointer.store(Unmanaged.passRetained(reactor).toOpaque(), ordering: .releasing)
    return reactor
  }

  /// Polls without waiting, and makes the fibers concerned ready; does nothing if another thread is polling.
  func pollReactor() {
    guard let reactor = reactorIfAny else { return }
    pointee.pace.looksOutside = true
    reactor.poll()
    pointee.pace.looksOutside = false
  }

  /// As `pollReactor`, if other workers wait there, too; a reactor of its own the worker polls when it sleeps in it.
  func pollSharedReactor() {
    if let reactor = reactorIfAny, reactor.isShared.load(ordering: .relaxed) { reactor.poll() }
  }

  /// The reactor if the worker has to sleep in it, as its poller.
  ///
  /// - Parameter isLast: whether all workers sleep.
  func reactorToSleepIn(isLast: Bool) -> Reactor? {
    let wanted = pointee.scheduler!._withUnsafeGuaranteedRef { scheduler in
      guard scheduler.settings.migrates else { return ownReactorIfNeeded }
      return isLast && scheduler.expectsOutside ? scheduler.sharedReactor : nil
    }
    guard let wanted, wanted.takeSeat() else { return nil }
    return wanted
  }

  private var ownReactorIfNeeded: Reactor? {
    guard let reactor = reactorIfAny else { return nil }
    // Exact where fibers stay: they begin and end their waits here.
    let isExpecting = pointee.counters.expected.load(ordering: .relaxed) > 0
    return isExpecting || reactor.isShared.load(ordering: .sequentiallyConsistent) ? reactor : nil
  }
}

extension Scheduler {
  /// The first reactor, if workers share it.
  var sharedReactor: Reactor? {
    guard let reactor = firstReactorIfAny, reactor.isShared.load(ordering: .sequentiallyConsistent) else { return nil }
    return reactor
  }

  private var firstReactorIfAny: Reactor? {
    guard let pointer = firstReactor.load(ordering: .acquiring) else { return nil }
    return Unmanaged<Reactor>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// A reactor for one more worker.
  fileprivate func makeReactor() throws(SystemError) -> Reactor {
    workers.lock.lock()
    defer { workers.lock.unlock() }
    if settings.migrates, let first = firstReactorIfAny { return first }
    do {
      let reactor = try Reactor(settings.readiness)
      guard firstReactorIfAny == nil else { return reactor }
      reactor.isShared.store(settings.migrates, ordering: .relaxed)
      firstReactor.store(Unmanaged.passRetained(reactor).toOpaque(), ordering: .releasing)
      return reactor
    } catch {
      guard let first = firstReactorIfAny else { throw error }
      first.isShared.store(true, ordering: .sequentiallyConsistent)
      return first
    }
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
