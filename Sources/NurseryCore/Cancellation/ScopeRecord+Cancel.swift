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

  /// As `cancel`, with the lock held.
  func cancelUnderLock(_ reason: CancellationReason) {
    if pointee.isClosed || pointee.reason != nil { return }
    pointee.reason = reason
    mark()
    // Marks before claims, on every processor: see `parkUnlessCancelled`.
    fullFence()
    wake()
  }

  /// Marks this scope and the scopes inside it.
  ///
  /// Called with this scope's lock held.
  fileprivate func mark() {
    pointee.cancelled.store(true, ordering: .releasing)
    forEachInner { inner in
      inner.pointee.lock.lock()
      inner.mark()
      inner.pointee.lock.unlock()
    }
  }

  /// Commits the performs that wait inside with the cancellation.
  ///
  /// Called with this scope's lock held.
  fileprivate func wake() {
    pointee.cancellation?.signal()
    forfeitAllTurns()
    pointee.host?.interrupt(in: self)
    var child = pointee.firstChild
    while let fiber = child {
      child = fiber.pointee.nextSibling
      fiber.interrupt(in: self)
    }
    forEachInner { inner in
      inner.pointee.lock.lock()
      inner.wake()
      inner.pointee.lock.unlock()
    }
  }

  private func forEachInner(_ body: (ScopeRef) -> Void) {
    var candidate = pointee.firstInner
    while let inner = candidate {
      candidate = inner.pointee.nextSibling
      if !inner.pointee.isShielded { body(inner) }
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
    var candidate: ScopeRef? = scope
    while let scope = candidate {
      if let reason = scope.reason { return reason }
      if scope == pointee.home, pointee.isCancelledAlone.load(ordering: .acquiring) { return .requested(nil) }
      if scope.pointee.isShielded { return nil }
      candidate = scope.pointee.parent
    }
    return nil
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
      outermost.mark()
      fullFence()
      outermost.wake()
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
