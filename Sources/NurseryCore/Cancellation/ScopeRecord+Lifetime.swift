import Synchronization

extension ScopeRef {
  /// Opens a scope inside the innermost one of its host.
  package static func open(host: FiberRef, _ traits: ScopeTraits = ScopeTraits()) -> ScopeRef {
    let parent = host.scope
    let scope = make(parent: parent, host: host, opener: host, scheduler: parent.pointee.scheduler, traits)
    scope.pointee.timerWorker = host.pointee.worker
    parent.adopt(scope)
    return scope
  }

  static func make(
    parent: ScopeRef?, host: FiberRef?, opener: FiberRef? = nil, scheduler: Unmanaged<Scheduler>?,
    _ traits: ScopeTraits = ScopeTraits()
  ) -> ScopeRef {
    if let worker = Worker.ofThisThreadIfAny { worker.count(worker.pointee.allocations) }
    let scope = ScopeRef.allocate(capacity: 1)
    scope.initialize(
      to: ScopeRecord(parent: parent, host: host, opener: opener, scheduler: scheduler, traits))
    return scope
  }

  /// Links an inner scope and lets its host into it.
  ///
  /// The scope inherits the cancellation unless it is a shield, and the draining.
  func adopt(_ inner: ScopeRef) {
    pointee.lock.lock()
    adoptUnderLock(inner)
    pointee.lock.unlock()
  }

  func adoptUnderLock(_ inner: ScopeRef) {
    link(inner)
    inner.pointee.isDraining = pointee.isDraining
    if !inner.pointee.isShielded { inner.pointee.expiry.store(expiry(for: inner), ordering: .relaxed) }
    inner.pointee.host?.scope = inner
  }

  /// Called with both locks held.
  func link(_ inner: ScopeRef) {
    inner.pointee.nextSibling = pointee.firstInner
    inner.pointee.previousSibling = nil
    if let first = pointee.firstInner { first.pointee.previousSibling = inner }
    pointee.firstInner = inner
    // A scope that a fiber opens directly in its home is the fiber's outermost, and a fiber can be cancelled by itself.
    if let opener = inner.pointee.opener, opener.pointee.home == self { opener.pointee.outermostScope = inner }
  }

  /// Called with both locks held.
  func unlink(_ inner: ScopeRef) {
    let next = inner.pointee.nextSibling
    let previous = inner.pointee.previousSibling
    if let previous { previous.pointee.nextSibling = next } else { pointee.firstInner = next }
    if let next { next.pointee.previousSibling = previous }
    if let opener = inner.pointee.opener, opener.pointee.outermostScope == inner { opener.pointee.outermostScope = nil }
  }

  /// What a scope that hangs directly under this one inherits.
  ///
  /// Called with the lock held.
  func expiry(for inner: ScopeRef) -> Int64 {
    if let opener = inner.pointee.opener, opener.pointee.home == self,
      opener.pointee.isCancelledAlone.load(ordering: .relaxed)
    {
      return .min
    }
    let expiry = pointee.expiry.load(ordering: .relaxed)
    guard expiry != .max, expiry != .min, let worker = inner.pointee.timerWorker, worker.isVirtual || isVirtual else {
      return expiry
    }
    // A run inside goes by another clock; the distance is the same.
    return instant(worker.now - now, after: expiry)
  }

  private var isVirtual: Bool { pointee.timerWorker?.isVirtual ?? false }

  /// Closes the scope on its host, which has no other scope open inside it and no child left.
  ///
  /// Its memory stays for handles.
  package func close() {
    guard let parent = pointee.parent else { return }
    parent.pointee.lock.lock()
    pointee.lock.lock()
    settleExpiry()
    pointee.isClosed = true
    removeDeadline()
    parent.unlink(self)
    pointee.host?.scope = parent
    pointee.lock.unlock()
    parent.pointee.lock.unlock()
    waitForVisitors()
  }

  /// Decides for good whether the scope was cancelled: once it is closed its clock may be gone.
  func settleExpiry() {
    let expiry = pointee.expiry.load(ordering: .relaxed)
    if expiry == .max || expiry == .min { return }
    let now = coarseNow
    if pointee.reason == nil, pointee.deadline <= now { return cancelUnderLock(pointee.deadlineReason) }
    pointee.expiry.store(expiry <= now ? .min : .max, ordering: .releasing)
  }

  /// Gives the memory back; nobody may know the scope any more.
  package func free() {
    pointee.daemons?.free()
    deinitialize(count: 1)
    deallocate()
  }
}
