extension FiberBody {
  /// Waits for the end: what performing the operation does, without laying one out.
  ///
  /// False if the scope is cancelled first.
  @usableFromInline
  func join() -> Bool {
    let me = Performer.enter()
    if me.isCancelled { return false }
    if isEnded { return true }
    me.letChildrenGoFirst()
    return latch.wait(me, for: .passUnretained(self))
  }

  /// No more are added: the fiber has ended.
  @inline(never)
  func runActions() {
    for action in actions { action() }
    actions = []
  }

  /// Calls `action`, which must not block, when the fiber has ended: on that fiber, or here if it has ended already.
  package func whenEnded(_ action: @escaping () -> Void) {
    let isEnded = latch.lock.withLock {
      if !self.isEnded { actions.append(action) }
      return self.isEnded
    }
    if isEnded { action() }
  }

  /// Cancels this fiber alone, unless it has ended.
  ///
  /// A fiber does not leave its home while a canceller is about to cancel it; the lock is not held meanwhile, because
  /// an interrupted performer may need it to leave its offer.
  package func cancel() {
    let isAlive = latch.lock.withLock {
      if !isEnded { cancellers.add(1, ordering: .relaxed) }
      return !isEnded
    }
    guard isAlive else { return }
    record.cancelAlone()
    cancellers.subtract(1, ordering: .releasing)
  }
}
