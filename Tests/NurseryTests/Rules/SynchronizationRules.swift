import Nursery
import Testing

/// Locks, semaphores and cells under every schedule of a few fibers, and cancelled at every call.
struct SynchronizationRules {
  // MARK: Locks and semaphores

  @Test func atMostOneFiberOwnsALockAndEveryWaiterComesToOwnIt() throws {
    try underEverySchedule {
      let mutex = FiberMutex(0)
      try withNursery { nursery in
        nursery.goAsync {
          try mutex.withLock { count in
            let before = count
            Fiber.yield()
            count = before + 1
          }
        }
        let lock = try mutex.lockOp().perform()
        let before = lock.withState { $0 }
        Fiber.yield()
        lock.withState { $0 = before + 1 }
      }
      let count = try mutex.withLock { $0 }
      try hold(count == 2, "\(count) of 2 updates")
    }
  }

  @Test func aCancelledWaiterNeverOwnsTheLock() throws {
    try underEverySchedule {
      let mutex = FiberMutex(0)
      let uses = Counter()
      try withNursery { nursery in
        let waiter = nursery.goAsync {
          try mutex.withLock { $0 += 1 }
          uses.add()
        }
        try mutex.withLock { _ in
          Fiber.yield()
          waiter.cancel()
        }
      }
      let count = try mutex.withLock { $0 }
      try hold(count == uses.value, "\(count) updates, but \(uses.value) bodies have run")
      try hold(mutex.lockOp().poll() != nil, "the lock is lost")
    }
  }

  @Test func permitsAreNeitherLostNorMadeByCancellationsAndTimeouts() throws {
    try underEverySchedule {
      let semaphore = FiberSemaphore(2)
      try withNursery { nursery in
        let large = nursery.goAsync { _ = try semaphore.acquire(2) }
        nursery.goAsync { _ = try? semaphore.acquireOp(1).orTimeout(after: .seconds(1)).perform() }
        try semaphore.withPermits(2) { try sleep(for: .seconds(1)) }
        large.cancel()
      }
      try hold(semaphore.freeCount == 2, "\(semaphore.freeCount) of 2 permits free")
      try hold(semaphore.waitingCount == 0, "a waiter is left")
    }
  }

  @Test func aChoiceOfTwoSemaphoresTakesFromOne() throws {
    try underEverySchedule {
      let left = FiberSemaphore(1)
      let right = FiberSemaphore(1)
      try withNursery { nursery in
        nursery.goAsync { try left.withPermits { Fiber.yield() } }
        nursery.goAsync { try right.withPermits { Fiber.yield() } }
        let permit = try choose(left.acquireOp(), right.acquireOp())
        let free = left.freeCount + right.freeCount
        try hold(free <= 1, "\(free) permits are free")
        permit.release()
      }
      try hold(left.freeCount + right.freeCount == 2, "\(left.freeCount + right.freeCount) of 2 permits free")
    }
  }

  @Test func locksAndSemaphoresSurviveACancellationAtEveryCall() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 500, preemptions: 1)) {
      (FiberMutex(0), FiberSemaphore(2))
    } body: { state in
      let (mutex, semaphore) = state
      for _ in 0..<2 {
        goAsync {
          let permit = try semaphore.acquire(2)
          try mutex.withLock { count in
            try sleep(for: .seconds(1))
            count += 1
          }
          permit.release()
          _ = try mutex.lockOp().perform()
          try semaphore.availableOp(1).perform()
        }
      }
    } check: { state, isCompleted in
      let (mutex, semaphore) = state
      let count = try mutex.withLock { $0 }
      if isCompleted { try hold(count == 2, "\(count) of 2 updates") }
      try hold(mutex.lockOp().poll() != nil, "the lock is lost")
      try hold(semaphore.freeCount == 2, "\(semaphore.freeCount) of 2 permits free")
      try hold(semaphore.waitingCount == 0, "a waiter is left")
    }
    #expect(calls >= 10)
  }

  @Test func noFiberReadsWhileAnotherOneWrites() throws {
    try underEverySchedule {
      let lock = ReadWriteLock(0)
      let writers = Counter()
      let readers = Counter()
      try withNursery { nursery in
        nursery.goAsync {
          try lock.withWriteLock { count in
            writers.add()
            let others = readers.value
            Fiber.yield()
            try hold(others == 0 && readers.value == 0, "a reader beside a writer")
            count += 1
            writers.add(-1)
          }
        }
        nursery.goAsync { try lock.withWriteLock { $0 += 1 } }
        let count = try lock.withReadLock { count in
          readers.add()
          defer { readers.add(-1) }
          Fiber.yield()
          try hold(writers.value == 0, "a writer beside a reader")
          return count
        }
        try hold(0...2 ~= count, "\(count)")
      }
      try hold(lock.withReadLock { $0 } == 2, "an update is lost")
    }
  }

  @Test func aReadWriteLockSurvivesACancellationAtEveryCall() throws {
    let calls = try exploreCancellations(.exhaustive(limit: 500, preemptions: 1)) {
      ReadWriteLock(0)
    } body: { lock in
      for number in 0..<2 {
        goAsync {
          try lock.withReadLock { _ in try sleep(for: .seconds(number)) }
          try lock.withWriteLock { $0 += 1 }
          _ = try lock.readLockOp().perform()
          _ = try lock.writeLockOp().perform()
        }
      }
    } check: { lock, isCompleted in
      let count = try lock.withReadLock { $0 }
      if isCompleted { try hold(count == 2, "\(count) of 2 updates") }
      try hold(lock.readLockOp().poll() != nil, "the read lock is lost")
      try hold(lock.writeLockOp().poll() != nil, "the write lock is lost")
    }
    #expect(calls >= 8)
  }

  // MARK: Cells

  @Test func anEventReleasesTheWaitersOfTheMomentItIsSet() throws {
    try underEverySchedule {
      let event = Event()
      try withNursery { nursery in
        let waiter = nursery.goAsync { try event.wait() }
        Fiber.yield()
        event.set()
        let isReleased = waiter.isFinished
        event.reset()
        // A waiter that came too late waits for the next time.
        if !isReleased { event.set() }
        try waiter.wait()
      }
    }
  }

  @Test func everyReaderOfAPromiseGetsTheOneOutcome() throws {
    try underEverySchedule {
      let promise = Promise<Int>()
      let first = Counter()
      try withNursery { nursery in
        for number in 1...2 {
          nursery.goAsync { if promise.tryResolve(.success(number)) { first.add(number) } }
        }
        let value = try promise.wait()
        let again = try promise.waitOp().perform()
        try hold(value == again, "\(value), then \(again)")
      }
      try hold(promise.wait() == first.value, "not the outcome of the first")
    }
  }

  @Test func aReaderOfAWatchSeesTheLastValue() throws {
    try underEverySchedule {
      let watch = Watch(0)
      try withNursery { nursery in
        let reader = watch.reader()
        nursery.goAsync {
          watch.set(1)
          Fiber.yield()
          watch.set(2)
        }
        var values: [Int] = []
        while values.last != 2 { values.append(try reader.changes()) }
        try hold(values == [1, 2] || values == [2], "\(values)")
        try hold(!reader.hasChanged, "a change that was seen")
      }
    }
  }

  @Test func allPartiesOfABarrierMeetOrAllAreTold() throws {
    try underEverySchedule {
      let barrier = Barrier(2)
      let met = Counter()
      let broken = Counter()
      try withNursery { nursery in
        let party = { [barrier] in
          do {
            try barrier.wait()
            met.add()
          } catch is BrokenBarrierError { broken.add() }
        }
        let run = Box(party)
        let first = nursery.goAsync { try run.value() }
        let second = nursery.goAsync { try run.value() }
        Fiber.yield()
        first.cancel()
        _ = try first.result()
        // The first may have been cancelled before it began: then it has broken nothing, and the second waits on.
        second.cancel()
      }
      try hold(met.value == 2 || met.value == 0, "\(met.value) of 2 have met, \(broken.value) were told")
    }
  }

  @Test func noPartyIsLostByTwoResets() throws {
    try underEverySchedule {
      let barrier = Barrier(2)
      let met = Counter()
      try withNursery { nursery in
        for _ in 0..<2 { nursery.goAsync { barrier.reset() } }
        nursery.goAsync {
          while true {
            do {
              try barrier.wait()
              met.add()
              return
            } catch is BrokenBarrierError {}
          }
        }
        while true {
          do {
            try barrier.wait()
            break
          } catch is BrokenBarrierError {}
        }
      }
      try hold(met.value == 1, "a party is lost")
    }
  }

  @Test func aPartyThatLeavesBreaksNoRoundAndCountsInNone() throws {
    try underEverySchedule {
      let barrier = Barrier(2)
      let passed = Counter()
      try withNursery { nursery in
        nursery.goAsync {
          try barrier.wait()
          passed.add()
        }
        let leave = Condition()
        nursery.goAsync { leave.signal() }
        let hasMet = try choose(barrier.waitOp().wrap { true }, leave.waitOp().wrap { false })
        if !hasMet {
          try hold(passed.value == 0, "the other party has gone on alone")
          try barrier.wait()
        }
      }
      try hold(!barrier.isBroken, "broken")
    }
  }

  @Test func aValueInAnMVarIsNeitherLostNorDoubled() throws {
    try underEverySchedule {
      let place = MVar(1)
      try withNursery { nursery in
        // Between its two calls the value is the taker's own.
        nursery.goAsync { try place.put(try place.take() + 1) }
        try? place.takeOp().wrap { try place.put($0) }.orTimeout(after: .seconds(1)).perform()
      }
      let value = try place.read()
      try hold(value == 2, "\(value)")
    }
  }

  @Test func bothPartnersSwapOrNeitherDoes() throws {
    try underEverySchedule {
      let desk = SwapChannel<Int>()
      let received = Log<Int>()
      try withNursery { nursery in
        let first = nursery.goAsync { received.append(try desk.swap(1)) }
        nursery.goAsync {
          if let value = try? desk.swapOp(2).orTimeout(after: .seconds(1)).perform() { received.append(value) }
        }
        Fiber.yield()
        first.cancel()
      }
      try hold(received.entries.isEmpty || received.entries.sorted() == [1, 2], "\(received.entries)")
    }
  }

  @Test(arguments: [false, true])
  func everyElementOfAMulticastWakesItsReceivers(isOperation: Bool) throws {
    try underEverySchedule {
      let multicast = Multicast<Int>()
      let subscription = multicast.subscribe(.holdingBack(1))
      let sum = Counter()
      try withNursery { nursery in
        for isFirst in [true, false] {
          nursery.goAsync {
            let element = try isOperation && isFirst ? subscription.nextOp().perform() : subscription.next()
            sum.add(element ?? 0)
          }
        }
        for number in 1...2 { try multicast.send(number) }
      }
      try hold(sum.value == 3, "\(sum.value)")
    }
  }
}
