import Synchronization

/// The plain threads that sleep in an operation without a timer; the deadlock detector counts them.
extension PlainThread {
  /// Their number, and a fingerprint: as long as it stays the same, none of the threads has begun or ended a sleep.
  struct Parked: Equatable {
    var count = 0
    var parkings = 0
  }

  /// Those that sleep now.
  static var parked: Parked {
    var parked = Parked()
    forEachWorker { worker in
      let parkings = worker.pointee.plain.parkings.load(ordering: .acquiring)
      parked.count += parkings & 1
      parked.parkings &+= parkings
    }
    return parked
  }

  /// Whether one that sleeps has been made ready, or been given something to do, and only does not know it yet.
  static var isOneCalled: Bool {
    var isCalled = false
    forEachParked { worker in
      if worker.pointee.plain.isCalled.load(ordering: .sequentiallyConsistent) { isCalled = true }
      if !worker.pointee.inbox.isEmpty || worker.pointee.timers.earliest != .max { isCalled = true }
    }
    return isCalled
  }

  static func forEachParked(_ body: (WorkerRef) -> Void) {
    forEachWorker { worker in
      if worker.pointee.plain.parkings.load(ordering: .acquiring) & 1 == 1 { body(worker) }
    }
  }

  /// The records of all threads that there are, or have been: they stay.
  static var records: [FiberRef] {
    var records: [FiberRef] = []
    forEachWorker { worker in if !OutsideThread.serves(worker) { records.append(worker.pointee.current) } }
    return records
  }

  /// By index: in debug builds the first use of an iterator makes its type, which takes more stack than a worker's loop
  /// may have.
  private static func forEachWorker(_ body: (WorkerRef) -> Void) {
    free.pointee.lock.lock()
    defer { free.pointee.lock.unlock() }
    for index in 0..<free.pointee.all.count { body(free.pointee.all[index]) }
  }
}

extension WorkerRef {
  /// Before and after each sleep without a timer; only the thread itself writes.
  ///
  /// Release stores: a thread seen as parked has published every wakeup it issued before; one seen to have taken its
  /// call is seen awake.
  func countParking() {
    pointee.plain.parkings.store(pointee.plain.parkings.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }
}
