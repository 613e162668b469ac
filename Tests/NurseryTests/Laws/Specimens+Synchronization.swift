import Nursery

extension Specimens {
  static let synchronization: [any AnySpecimen] = [
    Specimen("acquire permits") { _ in
      let semaphore = FiberSemaphore(2)
      let taken = try semaphore.acquire(2)
      let isFree = Condition()
      let kept = Log<FiberSemaphore.Permit>()
      let keep = { (permit: FiberSemaphore.Permit) in
        kept.append(permit)
        return 7
      }
      return Fixture(
        op: semaphore.acquireOp(2).wrap(keep), verb: { keep(try semaphore.acquire(2)) }, other: 3,
        isRight: { $0 == 7 },
        makeReady: {
          isFree.signal()
          taken.release()
        },
        effects: { isFree.isSignalled ? (2 - semaphore.freeCount) / 2 : 0 }, effectsOfCommit: 1,
        waiters: { semaphore.waitingCount })
    },
    Specimen("watch for permits", .usual.union([.lacksVerb])) { _ in
      let semaphore = FiberSemaphore(2)
      let taken = try semaphore.acquire(2)
      let isFree = Condition()
      return Fixture(
        op: semaphore.availableOp(2), other: (),
        makeReady: {
          isFree.signal()
          taken.release()
        },
        effects: { isFree.isSignalled ? 2 - semaphore.freeCount : 0 }, waiters: { semaphore.waitingCount })
    },
    Specimen("lock a mutex", .usual.union([.readiesSlowly])) { bench in
      let mutex = FiberMutex(0)
      let isHeld = Condition()
      let isToRelease = Condition()
      let uses = Counter()
      bench.nursery.goAsync("holder") {
        try mutex.withLock { _ in
          isHeld.signal()
          try isToRelease.wait()
        }
      }
      try isHeld.wait()
      return Fixture(
        op: mutex.lockOp().wrap { hold in
          uses.add()
          return hold.withState { $0 + 7 }
        },
        verb: {
          try mutex.withLock { state in
            uses.add()
            return state + 7
          }
        }, other: 3, isRight: { $0 == 7 }, makeReady: { isToRelease.signal() }, effects: { uses.value },
        effectsOfCommit: 1)
    },
    Specimen("wait for an event") { _ in
      let event = Event()
      return Fixture(op: event.waitOp(), verb: { try event.wait() }, other: (), makeReady: { event.set() })
    },
    Specimen("wait for a group") { _ in
      let group = WaitGroup(1)
      return Fixture(op: group.waitOp(), verb: { try group.wait() }, other: (), makeReady: { group.done() })
    },
    // Not ready before: a partner that waits for a performer in a cancelled scope finds the barrier broken.
    Specimen("meet at a barrier", [.pends, .readiesWhileParked, .readiesSlowly, .isPrimitive, .breaks]) { _ in
      let barrier = Barrier(2)
      let met = Counter()
      return Fixture(
        op: barrier.waitOp(), verb: { try barrier.wait() }, other: (),
        makeReady: {
          if barrier.isBroken { barrier.reset() }
          try barrier.wait()
          met.add()
        }, effects: { met.value }, effectsOfCommit: 1)
    },
    Specimen("wait for a promise") { _ in
      let promise = Promise<Int>()
      return Fixture(
        op: promise.waitOp(), verb: { try promise.wait() }, other: 3, isRight: { $0 == 7 },
        makeReady: { promise.fulfill(7) })
    },
    Specimen("wait for a promise that fails", outcome: .failed("Oops")) { _ in
      let promise = Promise<Int>()
      return Fixture(
        op: promise.waitOp(), verb: { try promise.wait() }, other: 3, makeReady: { promise.fail(Oops()) })
    },
    Specimen("read the next change of a watch") { _ in
      let watch = Watch(0)
      let reader = watch.reader()
      return Fixture(
        op: reader.changesOp(), verb: { try reader.changes() }, other: 3, isRight: { $0 == 7 },
        makeReady: { watch.set(7) }, effects: { watch.value == 7 && !reader.hasChanged ? 1 : 0 }, effectsOfCommit: 1)
    },
    Specimen("take a read lock", .usual.union([.readiesSlowly, .isPrimitive])) { bench in
      try readWriteFixture(bench) { lock, uses in
        (
          lock.readLockOp().wrap { hold in
            uses.add()
            return hold.withState { $0 + 7 }
          },
          {
            try lock.withReadLock { state in
              uses.add()
              return state + 7
            }
          }
        )
      }
    },
    Specimen("take a write lock", .usual.union([.readiesSlowly, .isPrimitive])) { bench in
      try readWriteFixture(bench) { lock, uses in
        (
          lock.writeLockOp().wrap { hold in
            uses.add()
            return hold.withState { $0 + 7 }
          },
          {
            try lock.withWriteLock { state in
              uses.add()
              return state + 7
            }
          }
        )
      }
    },
    Specimen("take from an MVar", .usual.union([.isPrimitive])) { _ in
      let place = MVar<Int>()
      let isFull = Condition()
      return Fixture(
        op: place.takeOp(), verb: { try place.take() }, other: 3, isRight: { $0 == 7 },
        makeReady: {
          isFull.signal()
          try place.put(7)
        },
        effects: { isFull.isSignalled && place.isEmpty ? 1 : 0 }, effectsOfCommit: 1)
    },
    Specimen("read an MVar", .usual.union([.isPrimitive])) { _ in
      let place = MVar<Int>()
      return Fixture(
        op: place.readOp(), verb: { try place.read() }, other: 3, isRight: { $0 == 7 }, makeReady: { try place.put(7) })
    },
    Specimen("put into an MVar", .usual.union([.isPrimitive])) { _ in
      let place = MVar(1)
      let isFree = Condition()
      return Fixture(
        op: place.putOp(7), verb: { try place.put(7) }, other: (),
        makeReady: {
          isFree.signal()
          _ = try place.take()
        },
        effects: { isFree.isSignalled && !place.isEmpty ? 1 : 0 }, effectsOfCommit: 1)
    },
    Specimen("swap", .usual.union([.readiesSlowly, .pairsUp])) { _ in
      let desk = SwapChannel<Int>()
      let given = Counter()
      return Fixture(
        op: desk.swapOp(3), verb: { try desk.swap(3) }, other: 3, isRight: { $0 == 7 },
        makeReady: { if try desk.swap(7) == 3 { given.add() } }, effects: { given.value }, effectsOfCommit: 1)
    },
  ]

  /// A lock that another fiber writes under until it is told to end.
  private static func readWriteFixture(
    _ bench: Bench, _ make: (ReadWriteLock<Int>, Counter) -> (op: Op<Int>, verb: () throws -> Int)
  ) throws -> Fixture<Int> {
    let lock = ReadWriteLock(0)
    let isHeld = Condition()
    let isToRelease = Condition()
    let uses = Counter()
    bench.nursery.goAsync("writer") {
      try lock.withWriteLock { _ in
        isHeld.signal()
        try isToRelease.wait()
      }
    }
    try isHeld.wait()
    let made = make(lock, uses)
    return Fixture(
      op: made.op, verb: made.verb, other: 3, isRight: { $0 == 7 }, makeReady: { isToRelease.signal() },
      effects: { uses.value }, effectsOfCommit: 1)
  }
}
