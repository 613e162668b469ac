import Synchronization

/// The reactor of plain threads, with a thread of its own, which is started when the first plain thread waits for a
/// descriptor.
enum OutsideReactor {
  /// The number of plain threads that wait for a descriptor, or are being woken.
  static let waiters = Atomic<Int>(0)
  private static let lock = SpinLock(.outside)
  /// Under the lock.
  nonisolated(unsafe) private static var made: Reactor?
  nonisolated(unsafe) private static let started = Atomic<UnsafeMutableRawPointer?>(nil)

  /// - Throws: `SystemError` when the kernel grants no epoll set or no thread; the next call tries again.
  static func shared() throws(SystemError) -> Reactor {
    if let reactor = startedReactor { return reactor }
    lock.lock()
    defer { lock.unlock() }
    if let reactor = startedReactor { return reactor }
    let reactor = try make()
    let argument = Unmanaged.passUnretained(reactor).toOpaque()
    let thread = try System.startThread("fibers-poll", argument) { argument in
      Unmanaged<Reactor>.fromOpaque(argument!)._withUnsafeGuaranteedRef { reactor in
        _ = reactor.takeSeat()
        while true { reactor.tell(reactor.ask(nanoseconds: -1)) }
      }
    }
    System.detachThread(thread)
    started.store(Unmanaged.passRetained(reactor).toOpaque(), ordering: .releasing)
    return reactor
  }

  /// Takes its descriptors, while there are some; its thread comes with the first wait.
  static func reserve() {
    lock.lock()
    defer { lock.unlock() }
    _ = try? make()
  }

  /// Called under the lock.
  private static func make() throws(SystemError) -> Reactor {
    if let made { return made }
    let reactor = try Reactor(.automatic)
    made = reactor
    return reactor
  }

  private static var startedReactor: Reactor? {
    started.load(ordering: .acquiring).map { Unmanaged<Reactor>.fromOpaque($0).takeUnretainedValue() }
  }

  /// How many threads it has.
  static var threadCount: Int { startedReactor == nil ? 0 : 1 }
  static func beginWait() { waiters.add(1, ordering: .sequentiallyConsistent) }
  static func endWait() { waiters.subtract(1, ordering: .sequentiallyConsistent) }
  /// Whether no plain thread waits or is being woken.
  static var isIdle: Bool { waiters.load(ordering: .sequentiallyConsistent) == 0 }
}

extension FiberRef {
  /// The reactor that watches its descriptors.
  func reactor() throws(SystemError) -> Reactor {
    if let scheduler = pointee.worker.pointee.scheduler {
      return try scheduler.takeUnretainedValue().reactor()
    }
    return try OutsideReactor.shared()
  }

  /// Makes the reactor while there are descriptors for it, because a first wait may come when none is left.
  func reserveReactor() {
    if let scheduler = pointee.worker.pointee.scheduler {
      scheduler._withUnsafeGuaranteedRef { _ = try? $0.reactor() }
    } else {
      OutsideReactor.reserve()
    }
  }

  /// Whether its reactor watches the descriptor, and a wait needs no preparation.
  @inline(__always)
  func isTold(of record: DescriptorRef) -> Bool {
    guard let scheduler = pointee.worker.pointee.scheduler else { return false }
    return scheduler._withUnsafeGuaranteedRef { scheduler in
      guard let reactor = scheduler.reactorPointer.load(ordering: .acquiring) else { return false }
      return Unmanaged<Reactor>.fromOpaque(reactor)._withUnsafeGuaranteedRef { $0.reportsAlready(record) }
    }
  }

  /// Before it waits for what comes from outside, and after.
  func expectOutside() {
    let worker = pointee.worker
    if worker.pointee.scheduler != nil {
      worker.count(worker.pointee.expected)
      worker.pointee.decisions?._withUnsafeGuaranteedRef { $0.dependsOnOutside = true }
    } else {
      OutsideReactor.beginWait()
    }
  }

  func endExpectation() {
    let worker = pointee.worker
    if worker.pointee.scheduler != nil {
      worker.count(worker.pointee.expected, -1)
    } else {
      OutsideReactor.endWait()
    }
  }
}
