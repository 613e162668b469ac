extension FiberBody {
  /// Waits for the end: what performing the operation does, without laying one out.
  ///
  /// False if the scope is cancelled first.
  @usableFromInline
  func join() -> Bool {
    let me = Performer.enter()
    if me.isCancelled { return false }
    if isEnded { return true }
    let offer = me.ownOffer
    offer.initialize(
      to: Offer(me, .passUnretained(self), argument: 0, index: 0, slot: UnsafeMutableRawPointer(offer)))
    me.beginEnlisting()
    lock.lock()
    if isEnded {
      me.endEnlisting()
      lock.unlock()
      return true
    }
    joiners.appendInline(offer)
    me.startWaiting()
    lock.unlock()
    me.letChildrenGoFirst()
    me.parkUnlessCancelled(offer, 1)
    if me.pointee.wait.winner >= 0 { return true }
    withdraw(offer)
    return false
  }

  /// No more are added: the fiber has ended.
  @inline(never)
  func runActions() {
    for action in actions { action() }
    actions = []
  }

  /// Calls `action`, which must not block, when the fiber has ended: on that fiber, or here if it has ended already.
  package func whenEnded(_ action: @escaping () -> Void) {
    lock.lock()
    if !isEnded {
      actions.append(action)
      return lock.unlock()
    }
    lock.unlock()
    action()
  }

  /// Cancels this fiber alone, unless it has ended.
  ///
  /// A fiber does not leave its home while a canceller is about to cancel it; the lock is not held meanwhile, because an
  /// interrupted performer may need it to leave its offer.
  package func cancel() {
    let isAlive = lock.withLock {
      if !isEnded { cancellers.add(1, ordering: .relaxed) }
      return !isEnded
    }
    guard isAlive else { return }
    record.cancelAlone()
    cancellers.subtract(1, ordering: .releasing)
  }
}
