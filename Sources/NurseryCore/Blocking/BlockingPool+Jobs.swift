import Synchronization

extension BlockingPool {
  /// Queues a job for a perform; called by the performer.
  func submit(_ offer: OfferRef, _ attempt: OperationSource.Attempt, _ source: BlockingSource) {
    let job = BlockingJob(source, offer)
    offer.pointee.argument = UInt(bitPattern: Unmanaged.passRetained(job).toOpaque())
    let performer = offer.pointee.performer
    performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.expectOutside() }
    lock.lock()
    if isOwnThread(performer) { lent += 1 }
    queue.append(job)
    if attempt == .enlistAlone { performer.startWaiting() }
    let call = nextCall()
    lock.unlock()
    make(call)
  }

  /// Takes a job back: out of the queue, or it is abandoned; called by the performer.
  func withdraw(_ offer: OfferRef) {
    let job = Unmanaged<BlockingJob>.fromOpaque(UnsafeRawPointer(bitPattern: offer.pointee.argument)!)
      .takeRetainedValue()
    let performer = offer.pointee.performer
    lock.lock()
    if job.isQueued {
      queue.remove(job)
    } else if job.offer != nil {
      abandonedCount += 1
    }
    job.offer = nil
    if isOwnThread(performer) { lent -= 1 }
    lock.unlock()
    performer.pointee.worker.pointee.scheduler?._withUnsafeGuaranteedRef { $0.endExpectation() }
  }

  /// The oldest job that is still wanted; under the lock.
  func takeFirst() -> BlockingJob? {
    while let job = queue.popFirst() {
      guard let offer = job.offer else { return job }
      let performer = offer.pointee.performer
      let isWanted =
        job.source.commitsAtStart
        ? performer.commit() : Claim.state(performer.pointee.claim.load(ordering: .acquiring)) != Claim.committed
      if isWanted { return job }
      job.offer = nil
    }
    return nil
  }

  /// A job has ended: commits its perform, and returns the offer; nil if it has gone.
  func claim(_ job: BlockingJob) -> OfferRef? {
    lock.lock()
    defer { lock.unlock() }
    runningCount -= 1
    guard let offer = job.offer else { return nil }
    job.offer = nil
    if job.source.commitsAtStart || offer.pointee.performer.commit() {
      completedCount += 1
      return offer
    }
    abandonedCount += 1
    return nil
  }

  /// Runs `body` for nobody in particular, as soon as there is a thread; on the caller's if none can be had.
  ///
  /// Never blocks. Until it has ended virtual time stands still in the caller's scheduler.
  package func start(_ body: @escaping () -> Void) {
    let scheduler = Scheduler.current
    scheduler?.expectOutside()
    let source = BlockingSource(self, commitsAtStart: true, slotSize: 0) { _, job in
      body()
      scheduler?.endExpectation()
      _ = job.deliver { _ in }
    }
    lock.lock()
    queue.append(BlockingJob(source, nil))
    let call = nextCall()
    lock.unlock()
    make(call)
  }

  /// Whether a performer is one of the threads here; under the lock.
  private func isOwnThread(_ performer: FiberRef) -> Bool {
    let worker = performer.pointee.worker
    return worker.pointee.scheduler == nil && records.contains { $0.pointee.worker == worker }
  }
}
