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
    if !runsOnScheduler { return wakeOutside() }
    let owner = pointee.worker
    guard owner == Worker.ofThisThreadIfAny else { return makeReadyElsewhere(turn) }
    if owner.isObserved { return makeReadyObserved(turn) }
    owner.push(self, turn)
  }

  /// As `makeReady`, for a caller that may hold a lock, its own or the user's: a task's executor is user code.
  func makeReadyUnderLock() {
    if pointee.kind == .task { OutsideThread.post(self) } else { makeReady() }
  }

  @inline(__always)
  private func wakeOutside() {
    if pointee.kind == .thread { PlainThread.wake(self) } else { TaskPerformer.wake(self) }
  }

  /// On its worker's thread; a function of its own, so that the usual way keeps no register for it.
  @inline(never)
  private func makeReadyObserved(_ turn: Turn) {
    pointee.worker.observeWake(self, turn)
    pointee.worker.push(self, turn)
  }

  /// On a thread that is not its worker's.
  @inline(never)
  private func makeReadyElsewhere(_ turn: Turn) {
    let owner = pointee.worker
    if owner.isObserved { observeWakeElsewhere(turn) }
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
    haveMonitored()
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
    if pointee.queue.pointee.sharesBegun { haveMonitored() }
  }

  /// Hands a fiber that is bound to this worker over from another thread.
  func post(_ fiber: FiberRef) {
    pointee.inbox.push(fiber)
    pointee.sleep.wake()
  }

  /// After a push of what can be stolen: there has to be a monitor, which will look at the queue.
  @inline(__always)
  func haveMonitored() {
    guard sharesWork else { return }
    pointee.scheduler!._withUnsafeGuaranteedRef { if !$0.monitor!.isStarted { $0.startMonitor() } }
  }

  /// Moves what has become ready outside the own queue into it: expired timers, the inbox, a share of the global queue.
  ///
  /// A worker that is to take nothing moves what others may run to the global queue instead.
  @inline(never)
  func collectArrivals() {
    pointee.pace.looksOutside = true
    defer { pointee.pace.looksOutside = false }
    if pointee.timers.earliest != .max { _ = pointee.timers.fire(now) }
    if !pointee.inbox.seemsEmpty, let chain = pointee.inbox.takeAll() { queueChain(chain) }
    pointee.scheduler?._withUnsafeGuaranteedRef { scheduler in
      if !duty.takesFibers { return giveUpQueue(to: scheduler) }
      guard scheduler.globalQueue.count > 0 else { return }
      if let chain = scheduler.globalQueue.takeShare(among: scheduler.workers.regularCount) { queueChain(chain) }
    }
  }

  private func giveUpQueue(to scheduler: Scheduler) {
    guard pointee.queue.stealableCount > 0 else { return }
    while let fiber = pointee.queue.popStealable() { scheduler.globalQueue.append(fiber) }
    scheduler.callWorker()
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
    visitors.handing.add(1, ordering: .relaxed)
    defer { visitors.handing.subtract(1, ordering: .releasing) }
    if fiber.isBound { return fiber.pointee.worker.post(fiber) }
    globalQueue.append(fiber)
    if !settings.isShared || !SharedScheduler.isWorkerAboutToLook(self) { callWorker() }
  }

  /// Queues a chain of fibers that any worker may run, and calls none.
  func queueGlobally(_ chain: FiberRef) {
    var rest: FiberRef? = chain
    while let fiber = rest {
      rest = fiber.pointee.next
      globalQueue.append(fiber)
    }
  }
}
