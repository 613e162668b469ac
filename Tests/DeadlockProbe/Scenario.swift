import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The scenarios of the probe.
enum Scenario: String, CaseIterable {
  // Deadlocks.
  case alone, ring, branches, smallStack, virtualTime, blockedThread, threadThatEnds, idlePoller, idlePool, nested,
    shielded,
    twice
  // No deadlock, or none that is certain.
  case threadThatSends, blockingCall, abandonedCall, descriptor, timer, wait, otherScheduler
  // Never ends, for a debugger.
  case lockCycle

  func run() throws {
    switch self {
    case .alone: try runFibers(Configuration(parallelism: 1)) { try Self.receiveForEver() }
    case .ring: try ring()
    case .branches: try branches()
    case .smallStack: try smallStack()
    case .virtualTime: try runFibers(Configuration(parallelism: 2, clock: .virtual)) { try Self.receiveForEver() }
    case .blockedThread: try blockedThread()
    case .threadThatEnds: try threadThatEnds()
    case .idlePoller: try idlePoller()
    case .idlePool: try idlePool()
    case .nested: try nested()
    case .shielded: try withNursery("stuck") { _ in try withShield { try Self.receiveForEver() } }
    case .twice: try twice()
    case .threadThatSends: try threadThatSends()
    case .blockingCall: try blockingCall()
    case .abandonedCall: try abandonedCall()
    case .descriptor: try descriptor()
    case .timer: try timer()
    case .wait: try wait()
    case .otherScheduler: try otherScheduler()
    case .lockCycle: try lockCycle()
    }
  }

  private static func receiveForEver() throws { _ = try Channel<Int>().receive() }

  // MARK: Deadlocks

  /// The report must not need more stack than a fiber has. (Sanitized frames are larger than the smallest stack.)
  private func smallStack() throws {
    let isSanitized = Configuration.defaultStackSize > 256 << 10
    try runFibers(Configuration(parallelism: 1, stackSize: isSanitized ? 256 << 10 : 16 << 10)) {
      try Self.receiveForEver()
    }
  }

  /// Enough fibers to start a second worker; each waits for the one before it.
  private func ring() throws {
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery("ring") { nursery in
        let links = (0..<8).map { _ in Channel<Int>() }
        for number in 0..<8 {
          nursery.goAsync("member \(number)") {
            for _ in 0..<1000 { Fiber.yield() }
            let token = try links[(number + 7) % 8].receive()
            try links[number].send(token)
          }
        }
      }
    }
  }

  private func branches() throws {
    try withNursery("outer") { _ in
      try withNursery("inner") { nursery in
        let numbers = Channel<Int>(.bounded(1))
        let condition = Condition()
        try numbers.send(1)
        let waiter = nursery.goAsync("waiter") {
          _ = try choose(
            Channel<String>().receiveOp().wrap { _ in }, numbers.sendOp(2), condition.waitOp(), Op<Void>.never)
        }
        nursery.goAsync("joiner") { try waiter.wait() }
      }
    }
  }

  private func blockedThread() throws {
    let channel = Channel<String>()
    onThread { _ = try? channel.receive() }
    try runFibers(Configuration(parallelism: 2)) { try Self.receiveForEver() }
  }

  private func threadThatEnds() throws {
    onThread { usleep(aWhile) }
    try withNursery { _ in try Self.receiveForEver() }
  }

  /// The library's own helper thread does not prevent the detection of a deadlock.
  private func idlePoller() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { fatalError("no pipe") }
    let (input, output) = (ends[0], ends[1])
    try withNursery("pipe") { nursery in
      let reader = nursery.goAsync { try readableOp(input).perform() }
      waitUntilAllParked()
      _ = "x".utf8CString.withUnsafeBytes { write(output, $0.baseAddress!, 1) }
      try reader.wait()
      try Self.receiveForEver()
    }
  }

  /// Nor do the threads of the blocking pool.
  private func idlePool() throws {
    try withNursery("pool") { nursery in
      for _ in 0..<8 { nursery.goAsync { try blocking { _ = usleep(1000) } } }
    }
    try withNursery("pool") { _ in try Self.receiveForEver() }
  }

  /// The inner run fails; the outer one goes on.
  private func nested() throws {
    try runFibers(Configuration(parallelism: 1)) {
      do {
        try runFibers(Configuration(parallelism: 2)) { try Self.receiveForEver() }
      } catch {
        print("inner \(error)")
      }
    }
  }

  private func twice() throws {
    do { try withNursery { _ in try Self.receiveForEver() } } catch { print("first \(error)") }
    try withNursery { _ in try Self.receiveForEver() }
  }

  // MARK: No deadlocks

  private func threadThatSends() throws {
    let channel = Channel<Int>()
    onThread {
      usleep(aWhile)
      try? channel.send(7)
    }
    let number = try runFibers(Configuration(parallelism: 2)) { try channel.receive() }
    print(number)
  }

  /// All fibers wait while the call runs.
  private func blockingCall() throws {
    try withNursery { _ in
      let number = try blocking {
        usleep(aWhile)
        return 7
      }
      print(number)
    }
  }

  /// An abandoned call may still wake a fiber when it ends.
  private func abandonedCall() throws {
    try withNursery { nursery in
      let channel = Channel<Int>()
      let begun = Condition()
      let call = nursery.goAsync {
        try blocking {
          begun.signal()
          usleep(aWhile)
          try channel.send(7)
        }
      }
      try begun.wait()
      call.cancel()
      print(try channel.receive())
    }
  }

  /// A signal handler writes to the pipe.
  private func descriptor() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0, dup2(ends[1], 40) == 40 else { fatalError("no pipe") }
    let input = ends[0]
    signal(SIGALRM) { _ in
      var byte: UInt8 = 1
      _ = write(40, &byte, 1)
    }
    ualarm(aWhile, 0)
    try withNursery { nursery in
      let message = Channel<Int>()
      nursery.goAsync {
        try readableOp(input).perform()
        try message.send(1)
      }
      print(try message.receive())
    }
  }

  private func timer() throws {
    try withNursery { nursery in
      let message = Channel<Int>()
      nursery.goAsync {
        try sleep(for: .microseconds(Int(aWhile)))
        try message.send(1)
      }
      print(try message.receive())
    }
  }

  private func wait() throws {
    ualarm(aWhile, 0)
    try runFibers(Configuration(onDeadlock: .wait)) { try Self.receiveForEver() }
  }

  /// Two schedulers wait for each other; neither can know what the other's threads will do.
  private func otherScheduler() throws {
    ualarm(aWhile, 0)
    let channel = Channel<Int>()
    onThread { _ = try? withNursery { _ in try channel.receive() } }
    try withNursery { _ in try Self.receiveForEver() }
  }

  // MARK: For a debugger

  /// Two fibers that each hold what the other one waits for, and fibers that wait for other things.
  private func lockCycle() throws {
    let (left, right) = (FiberMutex(0), FiberMutex(0))
    try runFibers(Configuration(parallelism: 2, onDeadlock: .wait)) {
      try withNursery("accounts") { nursery in
        let ada = nursery.goAsync("ada") {
          try left.withLock { _ in
            Fiber.yield()
            try right.withLock { _ in }
          }
        }
        nursery.goAsync("bob, whose name takes more than fifteen bytes") {
          try right.withLock { _ in
            Fiber.yield()
            try left.withLock { _ in }
          }
        }
        nursery.goAsync("chooser") {
          try choose(
            Channel<[String]>().receiveOp().wrap { _ in }, Channel<Int>().sendOp(2), sleepOp(for: .seconds(3600)))
        }
        nursery.goAsync("joiner") { try ada.wait() }
        for _ in 0..<20 { nursery.goAsync { _ = try Channel<Int>().receive() } }
        waitUntilAllParked()
        print("parked")
        fflush(nil)
      }
    }
  }
}
