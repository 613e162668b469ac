import Synchronization

/// The reactor of those whom no scheduler runs, with a thread of its own: started with the first plain thread that waits for a descriptor.
enum OutsideReactor {
  /// How many plain threads wait for a descriptor, and have not gone on yet.
  static let waiters = Atomic<Int>(0)
  private static let isRunning = Atomic<Bool>(false)

  /// Nil when the kernel grants no epoll set or no thread.
  static let shared: Reactor? = {
    guard let reactor = try? Reactor(.automatic) else { return nil }
    let argument = Unmanaged.passUnretained(reactor).toOpaque()
    let thread = try? System.startThread("fibers-poll", argument) { argument in
      Unmanaged<Reactor>.fromOpaque(argument!)._withUnsafeGuaranteedRef { reactor in
        _ = reactor.takeSeat()
        while true { reactor.tell(reactor.ask(nanoseconds: -1)) }
      }
    }
    guard let thread else { return nil }
    System.detachThread(thread)
    isRunning.store(true, ordering: .releasing)
    return reactor
  }()

  /// How many threads it has.
  static var threadCount: Int { isRunning.load(ordering: .acquiring) ? 1 : 0 }
  /// Whether nobody waits, and nobody who did is still being woken.
  static var isIdle: Bool { waiters.load(ordering: .sequentiallyConsistent) == 0 }
}

extension FiberRef {
  /// Where its descriptors are watched.
  func reactor() throws(SystemError) -> Reactor {
    if let scheduler = pointee.worker.pointee.scheduler {
      return try scheduler.takeUnretainedValue().reactor()
    }
    guard let reactor = OutsideReactor.shared else {
      throw SystemError(code: System.noMemory, action: "start the thread that watches descriptors for plain threads")
    }
    return reactor
  }

  /// Before it waits for what comes from outside, and after.
  func expectOutside() {
    if let scheduler = pointee.worker.pointee.scheduler {
      scheduler._withUnsafeGuaranteedRef { $0.expectOutside() }
    } else {
      OutsideReactor.waiters.add(1, ordering: .sequentiallyConsistent)
    }
  }

  func endExpectation() {
    if let scheduler = pointee.worker.pointee.scheduler {
      scheduler._withUnsafeGuaranteedRef { $0.endExpectation() }
    } else {
      OutsideReactor.waiters.subtract(1, ordering: .sequentiallyConsistent)
    }
  }
}
