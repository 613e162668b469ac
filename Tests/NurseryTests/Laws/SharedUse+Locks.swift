import Nursery

extension SharedUse {
  static let locks = [
    SharedUse("a mutex") { _ in
      let mutex = FiberMutex(0)
      let ends = Counter()
      return (
        use: {
          try mutex.withLock { count in
            try linger()
            count += 1
            ends.add()
          }
          let lock = try mutex.lockOp().perform()
          try linger()
          lock.release()
        },
        check: { try hold(mutex.withLock { $0 } == ends.value, "an update was lost") }
      )
    },
    SharedUse("a semaphore") { _ in
      let semaphore = FiberSemaphore(3)
      return (
        use: {
          try semaphore.withPermits(2) { try linger() }
          let permit = try semaphore.acquireOp(3).or(semaphore.acquireOp(1)).perform()
          try linger()
          permit.release()
          try semaphore.availableOp(2).perform()
        },
        check: { try hold(semaphore.freeCount == 3 && semaphore.waitingCount == 0, "\(semaphore.freeCount) free") }
      )
    },
    SharedUse("a lock for readers and writers") { _ in
      let lock = ReadWriteLock(0)
      return (
        use: {
          try lock.withReadLock { _ in try linger() }
          try lock.withWriteLock { _ in try linger() }
          let reading = try lock.readLockOp().perform()
          try linger()
          reading.release()
          try lock.writeLockOp().perform().release()
        },
        check: { try hold(lock.writeLockOp().poll() != nil, "it is held") }
      )
    },
    SharedUse("an MVar") { _ in
      let place = MVar(0)
      return (
        use: {
          _ = try place.read()
          let value = try place.take()
          // The value is the client's own now.
          try withShield {
            try linger()
            try place.put(value + 1)
          }
        },
        check: { try hold(place.takeOp().poll() != nil && place.isEmpty, "not one value") }
      )
    },
    SharedUse("a SwapChannel") { bench in
      let desk = SwapChannel<Int>()
      let (given, taken) = (Counter(), Counter())
      bench.nursery.goAsync { while true { taken.add(try desk.swap(7)) } }
      return (
        use: { given.add(try desk.swap(1) / 7) },
        check: { try hold(given.value == taken.value, "\(given.value) given, \(taken.value) taken") }
      )
    },
    SharedUse("a watch") { bench in
      let watch = Watch(0)
      bench.nursery.goAsync {
        while true {
          try linger()
          watch.set(watch.value + 1)
        }
      }
      return (
        use: {
          let reader = watch.reader()
          let first = try reader.changes()
          try hold(try reader.changesOp().perform() > first, "an old value")
        },
        check: {}
      )
    },
    SharedUse("an event, a group and a promise") { bench in
      let (event, group, promise) = (Event(), WaitGroup(1), Promise<Int>())
      bench.nursery.goAsync {
        try linger()
        event.set()
        group.done()
        promise.fulfill(7)
      }
      return (
        use: {
          try event.wait()
          try group.wait()
          try hold(try promise.wait() == 7, "another value")
        },
        check: { try hold(event.isSet && group.count == 0, "not set") }
      )
    },
  ]
}
