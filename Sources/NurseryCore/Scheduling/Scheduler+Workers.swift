import CSwitch
import Synchronization

// The table of workers. A place that has been taken stays so until the scheduler ends, and is read without a lock: by
// thieves, and by walks over all workers. Two numbers that must not be confused:
//
//     places     how many indices to look at: workers, spares, and those that are gone; never shrinks
//     present    how many regular workers have a thread: if as many are asleep, and no spare is awake, all are
//
// Invariants, under the lock: present - leaving <= limit; no thread is started while a leaving worker can be kept; a place
// that is gone is taken again before a new one. So there are never more regular workers than the limit has ever been, and the table
// is large enough.
extension Scheduler {
  /// The most workers there can be, spares not counted, where `parallelism` is smaller.
  static let mostWorkers = 256

  static func tableSize(_ parallelism: Int) -> Int {
    parallelism == 1 ? 1 : max(parallelism, mostWorkers) + parallelism
  }

  /// The most workers this scheduler may have.
  var mostWorkers: Int { max(parallelism, Self.mostWorkers) }

  func worker(_ index: Int) -> WorkerRef { table[index]! }

  func install(_ worker: WorkerRef, at index: Int) { table[index] = worker }

  /// Whether no worker or spare is awake.
  ///
  /// True of some instant only if none has woken since; see `risings`.
  var isEverybodyAsleep: Bool {
    sleepers.load(ordering: .sequentiallyConsistent) == present.load(ordering: .sequentiallyConsistent)
      && sparesAwake.load(ordering: .sequentiallyConsistent) == 0
  }

  /// Whether fewer workers exist than may.
  var isRoomForWorker: Bool {
    present.load(ordering: .relaxed) - leaving.load(ordering: .relaxed) < limit.load(ordering: .relaxed)
  }

  /// Starts one more worker, if the limit allows.
  func startWorker() {
    lock.lock()
    defer { lock.unlock() }
    guard isRoomForWorker, !isStopping.load(ordering: .relaxed) else { return }
    // Without a thread the workers that exist carry on; the next call for help tries again.
    _ = try? startThread(.regular)
  }

  /// Gives a worker or spare its thread, in the place of one that is gone or in a new one; returns the place.
  ///
  /// Called with the lock held. It counts as awake before its thread can take anything.
  @discardableResult
  func startThread(_ duty: Worker.Duty) throws(SystemError) -> Int {
    let taken = places.load(ordering: .relaxed)
    var index = 1
    while index < taken, worker(index).pointee.duty.load(ordering: .acquiring) != .gone { index += 1 }
    let worker: WorkerRef
    if index < taken {
      worker = self.worker(index)
      if worker.pointee.thread != 0 { System.joinThread(worker.pointee.thread) }
      worker.pointee.thread = 0
      worker.pointee.inspection.forget()
    } else {
      worker = Worker.make(for: self, index: index, duty: .gone, home: self.worker(0).pointee.loop.home)
      table[index] = worker
    }
    do {
      worker.pointee.thread = try System.startThread(
        duty == .spare ? "fibers-spare" : "fibers-\(index)", worker, workerThread)
    } catch {
      if index == taken {
        table[index] = nil
        worker.dispose()
      }
      throw error
    }
    worker.pointee.duty.store(duty, ordering: .releasing)
    if duty == .spare {
      sparesAwake.add(1, ordering: .sequentiallyConsistent)
    } else {
      present.add(1, ordering: .sequentiallyConsistent)
    }
    risings.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if index == taken { places.store(index + 1, ordering: .releasing) }
    return index
  }

  fileprivate func waitUntilStarted() {
    lock.lock()
    lock.unlock()
  }

  /// Ends the other workers and the spares.
  ///
  /// Every fiber has ended.
  func stopWorkers() {
    lock.lock()
    isStopping.store(true, ordering: .sequentiallyConsistent)
    lock.unlock()
    for index in 1..<max(1, places.load(ordering: .acquiring)) {
      let worker = worker(index)
      worker.pointee.sleep.wake()
      if worker.pointee.thread != 0 { System.joinThread(worker.pointee.thread) }
    }
    spin { self.outsiders.load(ordering: .acquiring) != 0 }
  }
}

/// What a worker's thread runs: its loop, on the thread's own stack, until the scheduler stops or the worker leaves it.
private let workerThread: System.ThreadBody = { argument in
  let worker = argument!.assumingMemoryBound(to: Worker.self)
  // The starting thread holds the lock until the worker counts.
  worker.pointee.scheduler!._withUnsafeGuaranteedRef { $0.waitUntilStarted() }
  worker.pointee.adoptThread()
  cs_set_thread_pointer(worker)
  _ = cs_install_signal_stack()
  worker.runLoop()
  cs_set_thread_pointer(nil)
  return nil
}
