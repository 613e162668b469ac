import Synchronization

// A thread of the pool is known by its `Worker`, as every plain thread is; that memory outlives the thread, so a late
// notifier may still touch its sleep word.
extension BlockingPool {
  /// What has to be done for the queue once the lock is free.
  enum Call {
    case nothing
    case wake(WorkerRef)
    case start
  }

  /// Chooses a thread for what is queued, unless one is on its way; called under the lock.
  func nextCall() -> Call {
    guard !queue.isEmpty, arriving == 0 else { return .nothing }
    if let thread = idle.popLast() {
      arriving += 1
      idleChanges &+= 1
      return .wake(thread)
    }
    guard threadCount < threadLimit + lent else { return .nothing }
    arriving += 1
    threadCount += 1
    return .start
  }

  /// Changes, under the lock, what the choice of a thread depends on.
  func change(_ body: () -> Void) {
    make(
      lock.withLock {
        body()
        return nextCall()
      })
  }

  func make(_ call: Call) {
    switch call {
    case .nothing: break
    case .wake(let thread): thread.pointee.sleep.wake()
    case .start: startThread()
    }
  }

  private func startThread() {
    if self === Self.shared { Self.sharedHasThreads.store(true, ordering: .releasing) }
    let pool = Unmanaged.passRetained(self)
    do {
      let handle = try System.startThread("fibers-blocking", pool.toOpaque()) { argument in
        let pool = Unmanaged<BlockingPool>.fromOpaque(argument!)
        pool._withUnsafeGuaranteedRef { $0.serve(Performer.worker()) }
        pool.release()
        return nil
      }
      System.detachThread(handle)
    } catch {
      startFailed(error)
      pool.release()
    }
  }

  /// Without any thread, queued calls would wait for ever.
  private func startFailed(_ error: SystemError) {
    var others: [BlockingJob] = []
    var performers: [FiberRef] = []
    lock.withLock {
      arriving -= 1
      threadCount -= 1
      while threadCount == 0, let job = queue.popFirst() {
        job.state = .ended
        job.fail(error)
        if let performer = job.offer.take()?.commitFromOutside() { performers.append(performer) }
        others.append(job)
      }
    }
    for performer in performers { performer.makeReady() }
    for job in others { job.complete() }
  }

  /// The thread's life.
  private func serve(_ thread: WorkerRef) {
    thread.pointee.plain.pool = .passUnretained(self)
    defer { thread.pointee.plain.pool = nil }
    lock.lock()
    repeat { arriving -= 1 } while threadCount <= threadLimit + lent && (runNext() || waitForCall(thread))
    threadCount -= 1
    let call = nextCall()
    lock.unlock()
    make(call)
  }

  /// Runs the oldest call, and counts as arriving then; false if there is none.
  ///
  /// Called under the lock, which is free meanwhile. A function of its own, so that no call is let go of under the
  /// lock.
  private func runNext() -> Bool {
    func run() -> Bool {
      guard let job = takeFirst() else { return false }
      let call = nextCall()
      lock.unlock()
      make(call)
      job.observation.record(.callBegan)
      job.run()
      job.observation.record(.callEnded)
      end(job)
      return true
    }
    guard run() else { return false }
    lock.lock()
    return true
  }

  /// Sleeps until notified, and counts as arriving then; false if no notification has come for long.
  ///
  /// Called under the lock, which is free meanwhile.
  private func waitForCall(_ thread: WorkerRef) -> Bool {
    idle.append(thread)
    idleChanges &+= 1
    while idle.contains(thread) {
      thread.pointee.sleep.pointee.prepare()
      lock.unlock()
      let isTimeUp = thread.pointee.sleep.wait(nanoseconds: idleTime)
      lock.lock()
      if isTimeUp, let index = idle.firstIndex(of: thread) {
        idle.remove(at: index)
        idleChanges &+= 1
        return false
      }
    }
    return true
  }
}
