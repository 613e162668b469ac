import Synchronization

extension ScopeRef {
  /// Cancels the scope and everything below it down to shields.
  ///
  /// Never blocks; only the first reason counts.
  package func cancel(_ reason: CancellationReason) {
    pointee.lock.lock()
    cancelUnderLock(reason)
    pointee.lock.unlock()
  }

  /// As `cancel`, with the lock held; a deadline that has passed came first.
  func cancelUnderLock(_ reason: CancellationReason) {
    if pointee.isClosed || pointee.reason != nil { return }
    pointee.reason = isOverdue ? pointee.deadlineReason : reason
    spread()
  }

  /// Marks this scope and the scopes inside it, then commits the performs that wait there with the cancellation.
  ///
  /// Called with this scope's lock held.
  func spread() {
    visitInside { scope in
      if scope != self, scope.pointee.isShielded { return false }
      scope.pointee.expiry.store(.min, ordering: .releasing)
      return true
    }
    // Marks before claims, on every processor: see `parkUnlessCancelled`.
    fullFence()
    visitInside { scope in
      if scope != self, scope.pointee.isShielded { return false }
      scope.wake()
      return true
    }
  }

  /// Called with the lock held.
  private func wake() {
    pointee.cancellation?.signal()
    forfeitAllTurns()
    pointee.host?.interrupt(in: self)
    var child = pointee.firstChild
    while let fiber = child {
      child = fiber.pointee.nextSibling
      fiber.interrupt(in: self)
    }
  }
}

extension FiberRef {
  /// The operation that commits once the fiber's innermost scope that is not a shield is cancelled, or the fiber by itself.
  package func cancellationOp() -> Op<Void> {
    var scope = scope
    while scope.pointee.isShielded, let parent = scope.pointee.parent { scope = parent }
    let op = scope.cancellationOp()
    guard scope == pointee.home else { return op }
    scope.pointee.lock.lock()
    let alone = pointee.cancellationAlone ?? Condition("the cancellation of a fiber")
    pointee.cancellationAlone = alone
    if pointee.isCancelledAlone.load(ordering: .relaxed) { alone.signal() }
    scope.pointee.lock.unlock()
    return op.or(alone.waitOp())
  }

  /// Why the current scope is cancelled: the reason of the innermost one, up to a shield, that was cancelled itself.
  package var cancellationReason: CancellationReason? {
    var reason: CancellationReason?
    scope.visitAround { scope in
      reason = scope.reason
      if reason == nil, scope == pointee.home, pointee.isCancelledAlone.load(ordering: .acquiring) {
        reason = .requested(nil)
      }
      return reason == nil && !scope.pointee.isShielded
    }
    return reason
  }

  /// Cancels this fiber and what it has opened, not its siblings.
  ///
  /// It has not ended, and cannot meanwhile.
  func cancelAlone() {
    let home = pointee.home
    home.pointee.lock.lock()
    defer { home.pointee.lock.unlock() }
    pointee.isCancelledAlone.store(true, ordering: .releasing)
    pointee.cancellationAlone?.signal()
    home.forfeitTurn(of: self)
    if let outermost = pointee.outermostScope, !outermost.pointee.isShielded {
      outermost.pointee.lock.lock()
      outermost.spread()
      outermost.pointee.lock.unlock()
    } else {
      fullFence()
      interrupt(in: home)
    }
  }

  /// Ends the current perform if the fiber waits in this very scope, whose lock the caller holds: a fiber takes that lock to enter
  /// or leave the scope, so the perform that is committed belongs there.
  fileprivate func interrupt(in innermost: ScopeRef) {
    guard scope == innermost, commit() else { return }
    pointee.winner = -1
    makeReady()
  }
}
