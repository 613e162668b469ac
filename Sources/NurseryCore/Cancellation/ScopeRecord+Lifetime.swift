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
    inner.pointee.nextSibling = pointee.firstInner
    if let first = pointee.firstInner { first.pointee.previousSibling = inner }
    pointee.firstInner = inner
    inner.pointee.isDraining = pointee.isDraining
    // A scope that a fiber opens directly in its home is the fiber's outermost, and a fiber can be cancelled by itself.
    let opener = inner.pointee.opener
    let isOutermost = opener?.pointee.home == self
    if isOutermost { opener!.pointee.outermostScope = inner }
    let isOpenerCancelled = isOutermost && opener!.pointee.isCancelledAlone.load(ordering: .relaxed)
    if pointee.isCancelled || isOpenerCancelled, !inner.pointee.isShielded {
      inner.pointee.cancelled.store(true, ordering: .relaxed)
    }
    inner.pointee.host?.scope = inner
  }

  /// Closes the scope on its host, which has no other scope open inside it and no child left.
  ///
  /// Its memory stays for handles.
  package func close() {
    guard let parent = pointee.parent else { return }
    parent.pointee.lock.lock()
    pointee.lock.lock()
    pointee.isClosed = true
    removeDeadline()
    let next = pointee.nextSibling
    let previous = pointee.previousSibling
    if let previous { previous.pointee.nextSibling = next } else { parent.pointee.firstInner = next }
    if let next { next.pointee.previousSibling = previous }
    pointee.host?.scope = parent
    if let opener = pointee.opener, opener.pointee.outermostScope == self { opener.pointee.outermostScope = nil }
    pointee.lock.unlock()
    parent.pointee.lock.unlock()
    waitForFirings()
  }

  /// Gives the memory back; nobody may know the scope any more.
  package func free() {
    pointee.daemons?.free()
    deinitialize(count: 1)
    deallocate()
  }
}
