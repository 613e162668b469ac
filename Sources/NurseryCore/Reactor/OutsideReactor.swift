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
    lock.withLock { _ = try? make() }
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
