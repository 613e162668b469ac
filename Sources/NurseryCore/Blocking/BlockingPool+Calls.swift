import Synchronization

// What happens to a call, each step under the pool's lock; see `BlockingJob`.
extension BlockingPool {
  /// Parks a performer at its call, which is queued unless it has been; false if the body has ended.
  func enlist(_ job: BlockingJob, _ offer: OfferRef, _ attempt: OperationSource.Attempt) -> Bool {
    let call: Call? = lock.withLock {
      if job.state == .ended { return nil }
      job.offer = offer
      if isOwnThread(offer.pointee.performer) { lent += 1 }
      if job.state == .idle {
        job.observation.noteQueued(for: offer.pointee.performer)
        queue.append(job)
        if idle.isEmpty, threadCount >= threadLimit + lent { job.observation.noteCrowd() }
      }
      if attempt == .enlistAlone { offer.pointee.performer.startWaiting() }
      return nextCall()
    }
    guard let call else { return false }
    make(call)
    return true
  }

  /// The performer goes on.
  func withdraw(_ job: BlockingJob, _ offer: OfferRef) {
    lock.withLock {
      job.offer = nil
      if isOwnThread(offer.pointee.performer) { lent -= 1 }
    }
  }

  /// Queues a call that has no performer.
  func submit(_ job: BlockingJob) {
    change { queue.append(job) }
  }

  /// The performer does not want the call any more: whether its body runs; nil if it never will.
  func giveUp(_ job: BlockingJob) -> Bool? {
    lock.withLock {
      if job.state == .queued { queue.remove(job) }
      guard job.state.hasBegun else { return nil }
      job.isGivenUp = true
      if job.state == .running { markUnwanted(job) }
      return job.state == .running
    }
  }

  /// Called under the lock.
  func markUnwanted(_ job: BlockingJob) {
    if !job.isUnwanted { unwantedCount += 1 }
    job.isUnwanted = true
  }

  /// The oldest call whose performer still wants it, which begins now; called under the lock.
  func takeFirst() -> BlockingJob? {
    while let job = queue.popFirst() {
      let performer = job.offer?.pointee.performer
      let isWanted =
        switch job.commitment {
        case .never: true
        case .atStart: performer?.commit() ?? false
        case .atEnd: performer.map { !$0.isCommitted } ?? false
        }
      if isWanted {
        job.observation.noteTaken()
        job.state = .running
        runningCount += 1
        return job
      }
    }
    return nil
  }

  /// The body has ended; from now on the thread counts as arriving.
  func end(_ job: BlockingJob) {
    lock.lock()
    while let interruption = job.interruption {
      lent += 1
      let call = nextCall()
      lock.unlock()
      make(call)
      // No scope of this thread can be cancelled.
      try! interruption.wait()
      lock.lock()
      lent -= 1
    }
    job.state = .ended
    runningCount -= 1
    arriving += 1
    if job.isUnwanted { unwantedCount -= 1 }
    if job.isGivenUp { abandonedCount += 1 } else { completedCount += 1 }
    let onAbandonedError = job.onAbandonedError
    let offer = job.offer
    let lint = job.observation.begunAt == 0 ? nil : QueuedCall(job, threadLimit, atLeast: shortestLintedWait)
    job.offer = nil
    let isCommitted = offer.map { job.commitment == .atStart || $0.pointee.performer.commit() } ?? false
    lock.unlock()
    if let offer, isCommitted {
      offer.win()
      offer.pointee.performer.makeReady()
    } else if job.commitment == .never {
      job.complete()
    } else if let onAbandonedError, let error = job.dropOutcome() {
      onAbandonedError(error)
    }
    lint?.report()
  }

  // MARK: Lending

  /// A performer begins to wait for a call of this pool, or has waited; if it is one of the threads here, another may
  /// take its place.
  func lend(_ performer: FiberRef, _ change: Int) {
    if isOwnThread(performer) { self.change { lent += change } }
  }

  /// Calls `body`, which waits for another call of this pool, or for another process.
  ///
  /// If the caller is one of the threads here, another may take its place meanwhile.
  package func lendingThread<Result>(_ body: () throws -> Result) rethrows -> Result {
    let me = Performer.current()
    lend(me, 1)
    defer { lend(me, -1) }
    return try body()
  }

  /// Whether a performer is one of the threads here.
  private func isOwnThread(_ performer: FiberRef) -> Bool {
    performer.pointee.worker.pointee.plain.pool?.toOpaque() == Unmanaged.passUnretained(self).toOpaque()
  }

  /// As `lend`, for a performer that may be a thread of any pool.
  static func lendPlace(of performer: FiberRef, _ change: Int) {
    performer.pointee.worker.pointee.plain.pool?._withUnsafeGuaranteedRef { $0.lend(performer, change) }
  }
}

extension FiberRef {
  /// Whether the current perform has ended, or is about to: its performer may not know it yet.
  fileprivate var isCommitted: Bool {
    Claim.state(pointee.claim.load(ordering: .acquiring)) == Claim.committed
  }
}
