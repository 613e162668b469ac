import Synchronization

/// Where in a run queue a fiber goes that can run again.
@usableFromInline
package enum Turn {
  /// Next: the rendezvous partner, the one joiner; its data is hot.
  case next
  /// Before those who have come of their own accord: a sleeper whose time has come.
  case soon
  /// After everybody who is there already.
  case last
}

extension FiberRef {
  /// Queues a fiber that somebody has committed (or that is new).
  ///
  /// The caller does not touch the fiber afterwards: it may be running already.
  @usableFromInline
  package func makeReady(_ turn: Turn = .last) {
    if pointee.kind == .thread { return PlainThread.wake(self) }
    let scheduler = pointee.worker.pointee.scheduler!
    guard let here = Worker.ofThisThreadIfAny, here.pointee.scheduler?.toOpaque() == scheduler.toOpaque() else {
      return scheduler._withUnsafeGuaranteedRef { $0.inject(self) }
    }
    if pointee.kind == .root, here.pointee.index != 0 {
      return scheduler._withUnsafeGuaranteedRef { $0.inject(self) }
    }
    here.push(self, turn)
  }
}

extension WorkerRef {
  /// Queues a fiber here; called on this worker's thread.
  func push(_ fiber: FiberRef, _ turn: Turn) {
    switch turn {
    case .next: pointee.queue.pushNext(fiber)
    // Decisions are made among all, in the order they came.
    case .soon where pointee.decisions == nil: pointee.queue.pushSoon(fiber)
    case .soon, .last: pointee.queue.pushLast(fiber)
    }
    callForHelpIfUseful()
  }

  /// After a push: another worker is called when the queue has grown to two, four, eight...; for a single runnable fiber
  /// nobody is, but somebody must be keeping watch in case this worker does not get round to it.
  @inline(__always)
  func callForHelpIfUseful() {
    guard pointee.sharesWork, !pointee.isTelling else { return }
    let count = pointee.queue.count
    let isServed =
      count < 2
      ? pointee.scheduler!._withUnsafeGuaranteedRef { $0.isWatched }
      : count & (count - 1) != 0 || pointee.scheduler!._withUnsafeGuaranteedRef { $0.isKeptTogether }
    if isServed { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { $0.callWorker() }
  }
}

extension Scheduler {
  /// Queues a fiber from outside this scheduler's workers; the root fiber for worker 0 from anywhere.
  func inject(_ fiber: FiberRef) {
    // Until the fiber is queued it keeps the scheduler alive; from then on the count does.
    outsiders.add(1, ordering: .relaxed)
    defer { outsiders.subtract(1, ordering: .releasing) }
    lock.lock()
    if fiber.pointee.kind == .root {
      let worker = worker(0)
      fiber.pointee.next = worker.pointee.inbox
      worker.pointee.inbox = fiber
      worker.pointee.hasMail.store(true, ordering: .sequentiallyConsistent)
      lock.unlock()
      worker.pointee.sleep.wake()
      return
    }
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

  /// Moves everything that is queued on the calling worker to where all look for it.
  func giveUpQueue(_ me: WorkerRef) {
    guard me.pointee.queue.count > 0 else { return }
    lock.lock()
    while let fiber = me.pointee.queue.pop() { appendToOverflow(fiber) }
    lock.unlock()
    callWorker()
  }

  /// Moves mail and a share of the overflow into a worker's own queue; one that is to make way gives its queue up instead.
  func collectArrivals(for worker: WorkerRef) {
    if hasStrandedTimers.load(ordering: .relaxed) { fireStrandedTimers(worker) }
    if worker.pointee.duty.load(ordering: .relaxed) != .regular, isToMakeWay(worker) { return giveUpQueue(worker) }
    if worker.pointee.hasMail.load(ordering: .relaxed) {
      lock.lock()
      let mail = worker.pointee.inbox
      worker.pointee.inbox = nil
      worker.pointee.hasMail.store(false, ordering: .relaxed)
      lock.unlock()
      if let mail { worker.pointee.queue.pushLast(mail) }
    }
    guard overflowCount.load(ordering: .relaxed) > 0 else { return }
    lock.lock()
    var wanted = max(1, overflowCount.load(ordering: .relaxed) / present.load(ordering: .relaxed))
    while wanted > 0, let fiber = firstOverflow {
      firstOverflow = fiber.pointee.next
      if firstOverflow == nil { lastOverflow = nil }
      overflowCount.subtract(1, ordering: .relaxed)
      worker.pointee.queue.pushLast(fiber)
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
      if worker.pointee.duty.load(ordering: .relaxed) != .spare, worker.pointee.sleep.wake() { return true }
    }
    // Those who announced themselves asleep have been called already, or look once more.
    return true
  }
}
