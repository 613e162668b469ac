import Synchronization

typealias BlockingThreadRef = UnsafeMutablePointer<BlockingThread>

/// A thread of the pool, or the place of one.
struct BlockingThread: ~Copyable {
  let sleep: UnsafeMutablePointer<SleepWord>
  /// Whether it stands among those that sleep; under the pool's lock.
  var isIdle = false
  /// Counted while there is a thread.
  var pool: Unmanaged<BlockingPool>?
}

extension BlockingThreadRef {
  static func make() -> BlockingThreadRef {
    let sleep = UnsafeMutablePointer<SleepWord>.allocate(capacity: 1)
    sleep.initialize(to: SleepWord())
    let thread = BlockingThreadRef.allocate(capacity: 1)
    thread.initialize(to: BlockingThread(sleep: sleep))
    return thread
  }

  func destroy() {
    let sleep = pointee.sleep
    deinitialize(count: 1)
    deallocate()
    sleep.deinitialize(count: 1)
    sleep.deallocate()
  }
}

extension BlockingPool {
  /// What has to be done for the queue once the lock is free.
  enum Call {
    case nobody
    case wake(BlockingThreadRef)
    case start(BlockingThreadRef)
  }

  /// Chooses a thread for what is queued, unless one is on its way; under the lock.
  func nextCall() -> Call {
    guard !queue.isEmpty, arriving == 0 else { return .nobody }
    if let thread = idle.popLast() {
      arriving += 1
      thread.pointee.isIdle = false
      idleChanges &+= 1
      return .wake(thread)
    }
    guard threadCount < threadLimit + lent else { return .nobody }
    arriving += 1
    threadCount += 1
    if let free = freeRecords.popLast() { return .start(free) }
    let thread = BlockingThreadRef.make()
    records.append(thread)
    return .start(thread)
  }

  func make(_ call: Call) {
    switch call {
    case .nobody: break
    case .wake(let thread): thread.pointee.sleep.wake()
    case .start(let thread): start(thread)
    }
  }

  private func start(_ thread: BlockingThreadRef) {
    if self === Self.shared { Self.sharedHasThreads.store(true, ordering: .releasing) }
    thread.pointee.pool = .passRetained(self)
    do {
      let handle = try System.startThread("fibers-blocking", thread) { argument in
        let thread = argument!.assumingMemoryBound(to: BlockingThread.self)
        let pool = thread.pointee.pool!
        pool._withUnsafeGuaranteedRef { $0.serve(thread) }
        pool.release()
        return nil
      }
      System.detachThread(handle)
    } catch {
      thread.pointee.pool!.release()
      startFailed(thread, error)
    }
  }

  /// Without any thread nobody would ever take what is queued.
  private func startFailed(_ thread: BlockingThreadRef, _ error: SystemError) {
    lock.lock()
    lastStartError = error
    arriving -= 1
    leave(thread)
    var others: [BlockingJob] = []
    while threadCount == 0, let job = queue.popFirst() {
      if let offer = job.offer {
        job.offer = nil
        _ = offer.commitFromOutside(.failed)
      } else if !job.isOver {
        others.append(job)
      }
    }
    lock.unlock()
    for job in others { job.orElse?(error) }
  }

  /// Under the lock.
  private func leave(_ thread: BlockingThreadRef) {
    threadCount -= 1
    freeRecords.append(thread)
  }

  /// The thread's life.
  private func serve(_ thread: BlockingThreadRef) {
    Performer.worker().pointee.pool = .passUnretained(self)
    defer { Performer.worker().pointee.pool = nil }
    lock.lock()
    arriving -= 1
    while threadCount <= threadLimit + lent {
      if let job = takeFirst() {
        let running = BlockingJob.Running(job)
        runningCount += 1
        let call = nextCall()
        lock.unlock()
        make(call)
        let isDelivered = running.run()
        lock.lock()
        if isDelivered { arriving -= 1 }
      } else if waitForCall(thread) {
        arriving -= 1
      } else {
        break
      }
    }
    leave(thread)
    let call = nextCall()
    lock.unlock()
    make(call)
  }

  /// Sleeps until called; false if nobody has called for long.
  ///
  /// Under the lock, which is free meanwhile.
  private func waitForCall(_ thread: BlockingThreadRef) -> Bool {
    idle.append(thread)
    idleChanges &+= 1
    thread.pointee.isIdle = true
    while thread.pointee.isIdle {
      thread.pointee.sleep.pointee.prepare()
      lock.unlock()
      let isTimeUp = thread.pointee.sleep.wait(nanoseconds: idleTime)
      lock.lock()
      if isTimeUp, thread.pointee.isIdle {
        idle.remove(at: idle.firstIndex(of: thread)!)
        idleChanges &+= 1
        thread.pointee.isIdle = false
        return false
      }
    }
    return true
  }
}
