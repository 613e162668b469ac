import Synchronization

/// The scopes that a coroutine's body has open belong to the coroutine: when it yields they leave the resumer's tree,
/// and the next resume hangs them under the scope that the resumer is in then.
///
///     linked under the resumer's scope, hosted by the resumer --- yield ---> alone, without a host
///          ^                                                                   |   deadlines run on and mark; children run on
///          +------------------------------ resume -----------------------------+
///
/// Everything happens under the locks of the scope around and, one after the other, of the scopes that move. A
/// canceller holds the lock of the scope in which it interrupts a host, so it interrupts none that has left.
extension ScopeRef {
  /// The outermost of the scopes from this one, the innermost of the calling fiber, up to `base`, which stays.
  func outermost(inside base: ScopeRef) -> ScopeRef {
    var scope = self
    while let around = scope.pointee.links.parent, around != base { scope = around }
    return scope
  }

  /// Takes the scopes from this one, the innermost of `host`, out to the one below `base` away from the tree.
  func leave(_ base: ScopeRef, with host: FiberRef) {
    let outermost = outermost(inside: base)
    base.pointee.lock.lock()
    var candidate: ScopeRef? = self
    while let scope = candidate, scope != base {
      candidate = scope.pointee.links.parent
      scope.pointee.lock.lock()
      scope.pointee.host = nil
      if scope == self { host.scope = base }
      if scope == outermost {
        base.unlink(scope)
        scope.pointee.links.parent = nil
        scope.updateExpiry()
      }
      scope.pointee.lock.unlock()
    }
    base.pointee.lock.unlock()
    // A thread that came from a scope inside may be about to take the lock of the base, which need not outlive this
    // call otherwise.
    base.waitForVisitors()
  }

  /// Hangs the scopes from this one outwards under the innermost scope of `host`, which runs their bodies from now on.
  func join(_ host: FiberRef) {
    let base = host.scope
    var outermost = self
    var candidate: ScopeRef? = self
    base.pointee.lock.lock()
    while let scope = candidate {
      scope.pointee.lock.lock()
      scope.pointee.host = host
      scope.pointee.opener = host
      if scope.pointee.alarm.worker?.isOfSameScheduler(as: host.pointee.worker) != true { scope.moveClock(to: host) }
      candidate = scope.pointee.links.parent
      outermost = scope
      if candidate != nil { scope.pointee.lock.unlock() }
    }
    outermost.pointee.links.parent = base
    base.readopt(outermost)
    host.scope = self
    outermost.pointee.lock.unlock()
    base.pointee.lock.unlock()
    // After the scopes are linked: a drain that has not reached them is seen here.
    if base.isDraining { outermost.withLock { outermost.markDraining() } }
  }

  /// Links a scope that has scopes inside already.
  ///
  /// Called with both locks held.
  private func readopt(_ inner: ScopeRef) {
    let expiry = inner.pointee.expiry.load(ordering: .relaxed)
    link(inner)
    if inner.pointee.isShielded || expiry == .min { return }
    if self.expiry(for: inner) == .min { inner.spread() } else { inner.updateExpiry() }
  }

  /// Lets the scheduler of `host` keep the scope's deadline, which has been kept by another, or by none.
  ///
  /// Called with the lock held.
  private func moveClock(to host: FiberRef) {
    let old = pointee.alarm.worker
    let new = host.pointee.worker
    let difference = old.map { $0.isVirtual || new.isVirtual ? new.now - $0.now : 0 } ?? 0
    moveDeadline(to: new, difference)
    pointee.scheduler = host.scope.pointee.scheduler
    pointee.nursery?.moveDaemons(to: pointee.scheduler)
    pointee.isClosed = false
  }

  /// Of the scopes from this one outwards, that of a nursery with children.
  var nurseryWithChildren: ScopeRef? { first { $0.pointee.nursery?.hasChildren ?? false } }

  /// Of the scopes from this one outwards, a nursery's, or one with a deadline ahead: they need a scheduler that has
  /// them.
  var scopeBoundToScheduler: ScopeRef? {
    first { $0.pointee.nursery != nil || $0.deadline != .max && $0.reason == nil }
  }

  /// Closes the scopes from this one outwards to the holders of handles: the run whose scheduler kept their deadlines
  /// ends.
  func retire() {
    var candidate: ScopeRef? = self
    while let scope = candidate {
      scope.pointee.lock.lock()
      scope.settleExpiry()
      scope.pointee.isClosed = true
      scope.removeDeadline()
      scope.pointee.alarm.deadline = .max
      scope.pointee.alarm.worker = nil
      scope.pointee.scheduler = nil
      candidate = scope.pointee.links.parent
      scope.pointee.lock.unlock()
      scope.waitForVisitors()
    }
  }
}
