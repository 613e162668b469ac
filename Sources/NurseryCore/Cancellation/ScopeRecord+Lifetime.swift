import Synchronization

extension ScopeRef {
  /// Opens a scope inside the innermost one of its host.
  package static func open(
    host: FiberRef, name: String = "", site: SourceSite = SourceSite(), isNursery: Bool = false,
    isShielded: Bool = false, policy: ScopePolicy = .failFast
  ) -> ScopeRef {
    let parent = host.scope
    let scope = make(
      parent: parent, host: host, scheduler: parent.pointee.scheduler, name: name, site: site,
      isNursery: isNursery, isShielded: isShielded, policy: policy)
    parent.adopt(scope)
    return scope
  }

  static func make(
    parent: ScopeRef?, host: FiberRef?, scheduler: Unmanaged<Scheduler>?, name: String = "",
    site: SourceSite = SourceSite(), isNursery: Bool = false, isShielded: Bool = false,
    policy: ScopePolicy = .failFast
  ) -> ScopeRef {
    let scope = ScopeRef.allocate(capacity: 1)
    scope.initialize(
      to: ScopeRecord(
        parent: parent, host: host, scheduler: scheduler, name: name, site: site, isNursery: isNursery,
        isShielded: isShielded, policy: policy))
    return scope
  }

  /// Links an inner scope and lets its host into it.
  ///
  /// The scope inherits the cancellation unless it is a shield.
  func adopt(_ inner: ScopeRef) {
    pointee.lock.lock()
    inner.pointee.nextSibling = pointee.firstInner
    if let first = pointee.firstInner { first.pointee.previousSibling = inner }
    pointee.firstInner = inner
    // A scope that a fiber opens directly in its home is the fiber's outermost, and a fiber can be cancelled by itself.
    let host = inner.pointee.host
    let isOutermost = host?.pointee.home == self
    if isOutermost { host!.pointee.outermostScope = inner }
    let isHostCancelled = isOutermost && host!.pointee.isCancelledAlone.load(ordering: .relaxed)
    if pointee.isCancelled || isHostCancelled, !inner.pointee.isShielded {
      inner.pointee.cancelled.store(true, ordering: .relaxed)
    }
    host?.scope = inner
    pointee.lock.unlock()
  }

  /// Closes the scope on its host, which has no other scope open inside it and no child left.
  ///
  /// Its memory stays for handles.
  package func close() {
    if let worker = pointee.deadlineWorker { worker.pointee.timers.remove(self) }
    guard let parent = pointee.parent else { return }
    parent.pointee.lock.lock()
    pointee.lock.lock()
    pointee.isClosed = true
    let next = pointee.nextSibling
    let previous = pointee.previousSibling
    if let previous { previous.pointee.nextSibling = next } else { parent.pointee.firstInner = next }
    if let next { next.pointee.previousSibling = previous }
    if let host = pointee.host {
      host.scope = parent
      if host.pointee.outermostScope == self { host.pointee.outermostScope = nil }
    }
    pointee.lock.unlock()
    parent.pointee.lock.unlock()
  }

  /// Gives the memory back; nobody may know the scope any more.
  package func free() {
    deinitialize(count: 1)
    deallocate()
  }
}
