import AllocationCounter
import Nursery
import Testing

/// How many heap blocks `body` allocates per repetition; nil if that cannot be counted.
///
/// Counts the calling thread only, so use one worker.
func allocations(repetitions: Int = 1000, _ body: () throws -> Void) rethrows -> Double? {
  for _ in 0..<100 { try body() }
  var before = 0
  var after = 0
  guard allocation_count(&before) else { return nil }
  for _ in 0..<repetitions { try body() }
  guard allocation_count(&after) else { return nil }
  return Double(after - before) / Double(repetitions)
}

#if !DEBUG
  /// Allocations of the hot paths, in optimised code.
  struct AllocationTests {
    /// Expects at most `limit` allocations per repetition; now and then one may grow an array.
    private func expect(
      atMost limit: Double, location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) rethrows {
      guard let count = try allocations(body) else { return }
      #expect(count <= limit + 0.01, sourceLocation: location)
    }

    @Test func theCounterCounts() throws {
      // Stored so that the optimiser cannot remove it.
      let kept = Log<Counter>()
      guard let count = allocations({ kept.append(Counter()) }) else { return }
      #expect(count >= 1)
    }

    @Test func aRendezvousAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = Channel<Int>()
        goAsync(daemon: true) { while true { try numbers.send(1) } }
        try expect(atMost: 0) { _ = try numbers.receive() }
      }
    }

    @Test func aMessageBetweenTwoTasksAllocatesAtMostOnce() async throws {
      // Both run on one thread, whose allocations are counted.
      let count = try await Task(executorPreference: ThreadExecutor.left) { () -> Double? in
        let numbers = Channel<Int>()
        let sender = Task(executorPreference: ThreadExecutor.left) {
          while true { try await numbers.send(1) }
        }
        defer { sender.cancel() }
        var (before, after) = (0, 0)
        for _ in 0..<100 { _ = try await numbers.receive() }
        guard allocation_count(&before) else { return nil }
        for _ in 0..<1000 { _ = try await numbers.receive() }
        guard allocation_count(&after) else { return nil }
        return Double(after - before) / 1000
      }.value
      if let count { #expect(count <= 1.01) }
    }

    @Test func aBufferedMessageAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = Channel<Int>(.bounded(4))
        try expect(atMost: 0) {
          try numbers.send(1)
          _ = try numbers.receive()
        }
      }
    }

    @Test func aChoiceOfTwoChannelsAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let left = Channel<Int>()
        let right = Channel<Int>()
        goAsync(daemon: true) { while true { try left.send(1) } }
        goAsync(daemon: true) { while true { try right.send(2) } }
        try expect(atMost: 0) { _ = try choose(left.receiveOp(), right.receiveOp()) }
        let choice = left.receiveOp().or(right.receiveOp())
        try expect(atMost: 0) { _ = try choice.perform() }
        try expect(atMost: 2) { _ = try left.receiveOp().or(right.receiveOp()).perform() }
        let wrapped = left.receiveOp().wrap { "\($0)" }.or(right.receiveOp().wrap { _ in "" })
        try expect(atMost: 0) { _ = try wrapped.perform() }
      }
    }

    @Test func spawningAndWaitingAllocatesTheClosuresContext() throws {
      try runFibers(Configuration(parallelism: 1)) {
        try withNursery { nursery in
          try expect(atMost: 0) { _ = try nursery.goAsync { 1 }.wait() }
          var number = 0
          try expect(atMost: 1) {
            number += 1
            _ = try nursery.goAsync { [number] in number }.wait()
          }
        }
      }
    }

    @Test func aTimerThatLosesAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = Channel<Int>()
        goAsync(daemon: true) {
          while true {
            Fiber.yield()
            try numbers.send(1)
          }
        }
        let timeout = timeoutOp(after: .seconds(3600)).wrap { 0 }
        try expect(atMost: 0) { _ = try choose(numbers.receiveOp(), timeout) }
      }
    }

    @Test func anOperationUnderATimeoutAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = Channel<Int>()
        goAsync(daemon: true) { while true { try numbers.send(1) } }
        try expect(atMost: 0) { _ = try numbers.receiveOp().orTimeout(after: .seconds(3600)).perform() }
        try expect(atMost: 0) { try sleepOp(for: .zero).orTimeout(after: .seconds(3600)).perform() }
      }
    }

    @Test(arguments: [2, 8]) func aChoiceThatIsMadeAlreadyAllocatesNothing(count: Int) throws {
      try runFibers(Configuration(parallelism: 1)) {
        let channels = (0..<count).map { _ in Channel<Int>() }
        for channel in channels { goAsync(daemon: true) { while true { try channel.send(1) } } }
        let choice = Op.choice(channels.map { $0.receiveOp() })
        try expect(atMost: 0) { _ = try choice.perform() }
        try expect(atMost: 0) { _ = try choice.poll() }
      }
    }

    @Test func aScopeWithATimeoutAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = Channel<Int>(.bounded(1))
        try expect(atMost: 0) {
          try withTimeout(.seconds(3600)) { try numbers.send(1) }
          _ = try numbers.receive()
        }
      }
    }

    @Test func aFreeLockPermitOrReadOfAWatchAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let mutex = FiberMutex(0)
        let semaphore = FiberSemaphore(4)
        let watch = Watch(0)
        let reader = watch.reader()
        let lock = ReadWriteLock(0)
        let event = Event(isSet: true)
        try expect(atMost: 0) { try mutex.withLock { $0 += 1 } }
        try expect(atMost: 0) { try semaphore.withPermits(2) {} }
        try expect(atMost: 1) { try semaphore.acquire().release() }
        try expect(atMost: 0) { try semaphore.availableOp().perform() }
        try expect(atMost: 0) {
          watch.set(watch.value + 1)
          _ = try reader.changes()
        }
        try expect(atMost: 0) { _ = try lock.withReadLock { $0 } }
        try expect(atMost: 0) { try lock.withWriteLock { $0 += 1 } }
        try expect(atMost: 0) { try event.wait() }
      }
    }

    @Test func aTickAllocatesNothing() throws {
      try runFibers(.virtual(1)) {
        let ticker = Ticker(every: .seconds(1))
        try expect(atMost: 0) { _ = try ticker.wait() }
      }
    }

    @Test func anElementThatIsHandedOverAllocatesItsParcel() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let numbers = HandoverChannel<Int>(.bounded(1))
        try expect(atMost: 1) {
          if let unsent = numbers.send(1) { throw unsent.reason }
          _ = try numbers.receive()
        }
      }
    }

    @Test func waitingForALockOrPermitAllocatesNothing() throws {
      try runFibers(Configuration(parallelism: 1)) {
        let mutex = FiberMutex(0)
        let semaphore = FiberSemaphore(1)
        goAsync(daemon: true) { while true { try mutex.withLock { _ in Fiber.yield() } } }
        goAsync(daemon: true) { while true { try semaphore.withPermits { Fiber.yield() } } }
        Fiber.yield()
        try expect(atMost: 0) { try mutex.withLock { $0 += 1 } }
        try expect(atMost: 0) { try semaphore.withPermits {} }
      }
    }
  }
#endif
