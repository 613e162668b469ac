import Synchronization

extension BlockingPool {
  /// Queues a job for a perform; called by the performer.
  func submit(_ offer: OfferRef, _ attempt: OperationSource.Attempt, _ source: BlockingSource) {
    let job = BlockingJob(source, offer)
    offer.pointee.argument = UInt(bitPattern: Unmanaged.passRetained(job).toOpaque())
    let performer = offer.pointee.performer
    performer.expectOutside()
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
    performer.endExpectation()
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
      arriving += 1
      return offer
    }
    abandonedCount += 1
    return nil
  }

  // MARK: Jobs that no offer stands for

  /// Runs `body` as soon as there is a thread, or `orElse` if none can be had.
  ///
  /// Never blocks. What `body` returns is called last, and tells whoever waits: by then the thread can be had for another job.
  @discardableResult
  package func start(
    orElse: @escaping (SystemError) -> Void, _ body: @escaping () -> () -> Void
  ) -> BlockingJob {
    let source = BlockingSource(self, commitsAtStart: true, slotSize: 0) { _, job in
      let tell = body()
      job.finish()
      tell()
      return true
    }
    let job = BlockingJob(source, nil, orElse: orElse)
    lock.lock()
    queue.append(job)
    let call = nextCall()
    lock.unlock()
    make(call)
    return job
  }

  /// A job without an offer has ended.
  func finish(_ job: BlockingJob) {
    lock.lock()
    defer { lock.unlock() }
    runningCount -= 1
    arriving += 1
    if !job.isOver { completedCount += 1 }
    job.isOver = true
  }

  /// Gives up a job that was started: it never runs if its turn has not come.
  func abandon(_ job: BlockingJob) {
    lock.lock()
    defer { lock.unlock() }
    guard !job.isOver else { return }
    job.isOver = true
    if job.isQueued { queue.remove(job) } else { abandonedCount += 1 }
  }

  /// A performer begins to wait for a job of this pool, or has waited; if it is one of the threads here, another may take its place.
  func lend(_ performer: FiberRef, _ change: Int) {
    guard isOwnThread(performer) else { return }
    lock.lock()
    lent += change
    let call = nextCall()
    lock.unlock()
    make(call)
  }

  /// Calls `body`, which waits for what another job of this pool does.
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
    performer.pointee.worker.pointee.pool?.toOpaque() == Unmanaged.passUnretained(self).toOpaque()
  }

  /// As `lend`, for one that may be a thread of any pool.
  static func lendPlace(of performer: FiberRef, _ change: Int) {
    performer.pointee.worker.pointee.pool?._withUnsafeGuaranteedRef { $0.lend(performer, change) }
  }
}
