import Synchronization

/// The reactor of plain threads and tasks; the process's helper thread polls it from the first wait for a descriptor
/// on.
enum OutsideReactor {
  /// The number of plain threads and tasks that wait for a descriptor, or are being woken.
  static let waiters = Atomic<Int>(0)
  private static let lock = SpinLock(.outside)
  /// Under the lock; never released.
  nonisolated(unsafe) private static var made: Reactor?

  /// - Throws: `SystemError` when the kernel grants no epoll set or no thread; the next call tries again.
  static func shared() throws(SystemError) -> Reactor {
    if let reactor = OutsideThread.worker.reactorIfAny { return reactor }
    let reactor = try makeUnderLock()
    try OutsideThread.start()
    OutsideThread.sleep(in: reactor)
    return reactor
  }

  /// Takes its descriptors, while there are some; its thread comes with the first wait.
  static func reserve() { _ = try? makeUnderLock() }

  private static func makeUnderLock() throws(SystemError) -> Reactor {
    lock.lock()
    defer { lock.unlock() }
    if let made { return made }
    let reactor = try Reactor(.automatic)
    made = reactor
    return reactor
  }

  static func beginWait() { waiters.add(1, ordering: .sequentiallyConsistent) }
  static func endWait() { waiters.subtract(1, ordering: .sequentiallyConsistent) }
  /// Whether no plain thread or task waits or is being woken.
  static var isIdle: Bool { waiters.load(ordering: .sequentiallyConsistent) == 0 }
}
