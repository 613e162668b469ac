import Synchronization

/// Where in a run queue a fiber goes that can run again.
@usableFromInline
package enum Turn {
  /// Next: the rendezvous partner, the one joiner; its data is hot.
  case next
  /// Before fibers that yielded: a sleeper whose time has come.
  case soon
  /// After all that are queued already.
  case last
}

extension FiberRef {
  /// Queues a fiber that has been committed, or is new.
  ///
  /// The caller does not touch the fiber afterwards: it may be running already.
  @usableFromInline
  package func makeReady(_ turn: Turn = .last) { makeReadyInline(turn) }

  @inline(__always)
  func makeReadyInline(_ turn: Turn) {
    if pointee.kind == .thread { return PlainThread.wake(self) }
    let owner = pointee.worker
    if owner == Worker.ofThisThreadIfAny { return owner.push(self, turn) }
    makeReadyElsewhere(turn)
  }

  /// On a thread that is not its worker's.
  @inline(never)
  private func makeReadyElsewhere(_ turn: Turn) {
    let owner = pointee.worker
    guard let here = Worker.ofThisThreadIfAny, here.isOfSameScheduler(as: owner) else {
      return owner.pointee.scheduler!._withUnsafeGuaranteedRef { $0.inject(self) }
    }
    if isBound { owner.post(self) } else { here.push(self, turn) }
  }
}

extension WorkerRef {
  /// Queues a fiber here that has not begun; called on this worker's thread.
  @inline(__always)
  func pushFresh(_ fiber: FiberRef) {
    if fiber.pointee.queueing.isSpread, sharesWork {
      return pointee.scheduler!._withUnsafeGuaranteedRef { $0.spread(fiber, from: self) }
    }
    pointee.queue.pushFresh(fiber)
    callForHelpIfUseful()
  }

  /// Queues a fiber here; called on this worker's thread.
  @inline(__always)
  func push(_ fiber: FiberRef, _ turn: Turn) {
    if fiber.isFresh { return pushFresh(fiber) }
    switch turn {
    case .next: pointee.queue.pushNext(fiber)
    // Decisions are made among all, in the order they came.
    case .soon where pointee.decisions == nil: pointee.queue.pushSoon(fiber)
    case .soon, .last: pointee.queue.pushLast(fiber)
    }
    if pointee.queue.pointee.sharesBegun { callForHelpIfUseful() }
  }

  /// Hands a fiber that is bound to this worker over from another thread.
  func post(_ fiber: FiberRef) {
    pointee.inbox.push(fiber)
    pointee.sleep.wake()
  }

  /// After a push of what can be stolen: if no worker inspects the queues, one is called that will.
  @inline(__always)
  func callForHelpIfUseful() {
    guard sharesWork, !pointee.isTelling, pointee.queue.stealableCount > 0 else { return }
    if pointee.scheduler!._withUnsafeGuaranteedRef({ $0.isWatched }) { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.callWorker() }
  }

  /// Queues a chain of fibers on the calling worker, in order and silently.
  func queueChain(_ chain: FiberRef) {
    var rest: FiberRef? = chain
    while let fiber = rest {
      rest = fiber.pointee.next
      if fiber.isFresh { pointee.queue.pushFresh(fiber) } else { pointee.queue.pushLast(fiber) }
    }
  }
}

extension Scheduler {
  /// Queues a fiber from outside this scheduler's workers.
  func inject(_ fiber: FiberRef) {
    // Until the fiber is queued it keeps the scheduler alive; from then on the count does.
    outsiders.add(1, ordering: .relaxed)
    defer { outsiders.subtract(1, ordering: .releasing) }
    if fiber.isBound { return fiber.pointee.worker.post(fiber) }
    lock.lock()
    appendToOverflow(fiber)
    lock.unlock()
    callWorker()
  }

  /// Called with the lock held.
  private func appendToOverflow(_ fiber: FiberRef) {
    fiber.pointee.next = nil
    if let last = lastOverflow { last.pointee.next = fiber } else { firstOverflow = fiber }
    lastOverflow = fiber
    overflowCount.add(1, ordering: .sequentiallyConsistent)
  }

  /// Moves what other workers may run from the calling worker's queue to where all look for it.
  func giveUpQueue(_ me: WorkerRef) {
    guard me.pointee.queue.stealableCount > 0 else { return }
    lock.lock()
    while let fiber = me.pointee.queue.popStealable() { appendToOverflow(fiber) }
    lock.unlock()
    callWorker()
  }

  /// Moves what is in a worker's inbox and a share of the overflow into its own queue; one that is to make way gives its queue up instead.
  func collectArrivals(for worker: WorkerRef) {
    if hasStrandedTimers.load(ordering: .relaxed) { fireStrandedTimers(worker) }
    if !worker.pointee.inbox.seemsEmpty, let chain = worker.pointee.inbox.takeAll() { worker.queueChain(chain) }
    if worker.pointee.duty.load(ordering: .relaxed) != .regular, isToMakeWay(worker) { return giveUpQueue(worker) }
    guard overflowCount.load(ordering: .relaxed) > 0 else { return }
    lock.lock()
    var wanted = max(1, overflowCount.load(ordering: .relaxed) / present.load(ordering: .relaxed))
    while wanted > 0, let fiber = firstOverflow {
      firstOverflow = fiber.pointee.next
      if firstOverflow == nil { lastOverflow = nil }
      overflowCount.subtract(1, ordering: .relaxed)
      fiber.pointee.next = nil
      worker.queueChain(fiber)
      wanted -= 1
    }
    lock.unlock()
  }

  /// Wakes a sleeping worker, the one on watch first, or starts one more if all that exist are busy and the configuration
  /// allows.
  func callWorker() {
    if wakeWorker() { return }
    if isRoomForWorker { startWorker() }
  }

  /// False if none was found asleep.
  @discardableResult
  func wakeWorker() -> Bool {
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return false }
    let onWatch = watch.load(ordering: .acquiring)
    if onWatch >= 0, worker(onWatch).pointee.sleep.wake() { return true }
    for index in 0..<places.load(ordering: .acquiring) {
      let worker = worker(index)
      if worker.pointee.duty.load(ordering: .relaxed) == .regular, worker.pointee.sleep.wake() { return true }
    }
    // Workers that announced their sleep have been called already, or look once more.
    return true
  }
}
