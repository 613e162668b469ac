import Synchronization

extension ScopeRef {
  /// Cancels the scope and everything below it down to shields.
  ///
  /// Never blocks; only the first reason counts.
  package func cancel(_ reason: CancellationReason) {
    withLock { cancelUnderLock(reason) }
  }

  /// As `cancel`, with the lock held; a deadline that has passed came first.
  func cancelUnderLock(_ reason: CancellationReason) {
    if pointee.isClosed || pointee.reason != nil { return }
    let reason = isOverdue ? deadlineReason : reason
    pointee.reason = reason
    pointee.scheduler?._withUnsafeGuaranteedRef { $0.recordCancellation(of: self, reason) }
    noteCancelled()
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
    // Marks before claims, on every processor: see `fenceAfterEnlisting`.
    fullFence()
    visitInside { scope in
      if scope != self, scope.pointee.isShielded { return false }
      scope.wake()
      return true
    }
  }

  /// Called with the lock held.
  private func wake() {
    pointee.cancellation?.signalUnderLock()
    pointee.host?.interrupt(in: self)
    guard let nursery = pointee.nursery else { return }
    nursery.revokeAllPermits()
    nursery.forEachChild { $0.interrupt(in: self) }
  }
}

extension FiberRef {
  /// The operation that commits once the fiber's innermost scope that is not a shield is cancelled, or the fiber by
  /// itself.
  package func cancellationOp() -> Op<Void> {
    var scope = scope
    while scope.pointee.isShielded, let parent = scope.pointee.links.parent { scope = parent }
    let op = scope.cancellationOp()
    guard scope == home else { return op }
    return op.or(
      scope.withLock {
        let alone = pointee.membership.cancellationAlone ?? Condition("the cancellation of a fiber")
        pointee.membership.cancellationAlone = alone
        if pointee.membership.isCancelledAlone.load(ordering: .relaxed) { alone.signal() }
        return alone.waitOp()
      })
  }

  /// Why the current scope is cancelled: the reason of the innermost one, up to a shield, that was cancelled itself.
  package var cancellationReason: CancellationReason? {
    var reason: CancellationReason?
    scope.visitAround { scope in
      reason = scope.reason
      if reason == nil, scope == home, pointee.membership.isCancelledAlone.load(ordering: .acquiring) {
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
    home.withLock {
      pointee.membership.isCancelledAlone.store(true, ordering: .releasing)
      home.pointee.scheduler?._withUnsafeGuaranteedRef { $0.recordCancellation(of: self) }
      pointee.membership.cancellationAlone?.signalUnderLock()
      home.pointee.nursery?.revokePermit(of: self)
      if let outermost = pointee.membership.outermostScope, !outermost.pointee.isShielded {
        outermost.withLock { outermost.spread() }
      } else {
        fullFence()
        interrupt(in: home)
      }
    }
  }

  /// Ends the current perform if the fiber waits in this very scope, whose lock the caller holds: a fiber takes that
  /// lock to enter or leave the scope, so the perform that is committed belongs there.
  fileprivate func interrupt(in innermost: ScopeRef) {
    guard scope == innermost, commit() else { return }
    noteCancellation()
    makeReady()
  }
}
