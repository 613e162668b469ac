import Synchronization

extension ScopeRef {
  /// Runs `body` in a scope of its own, whose memory is part of the caller's frame.
  ///
  /// The body, or this, closes the scope; no handle of it is left then.
  @inlinable @inline(__always)
  package static func within<Result>(
    _ site: SourceSite, isShielded: Bool = false, _ body: (ScopeRef) throws -> Result
  ) rethrows -> Result {
    try withUnsafeTemporaryAllocation(of: ScopeRecord.self, capacity: 1) { memory in
      let scope = memory.baseAddress.unsafelyUnwrapped
      scope.open(site, isShielded: isShielded)
      defer { scope.end() }
      return try body(scope)
    }
  }

  /// Runs `body` deaf to the cancellation of the scopes around it.
  @inlinable
  package static func shielding<Result>(_ body: () throws -> Result) rethrows -> Result {
    try within(SourceSite(), isShielded: true) { _ in try body() }
  }

  /// A scope in memory of its own, inside the innermost one of the caller, for one whose handles outlive it.
  package static func make(_ site: SourceSite = SourceSite()) -> ScopeRef {
    Worker.countAllocation()
    let scope = ScopeRef.allocate(capacity: 1)
    scope.open(site, isShielded: false)
    return scope
  }

  /// Makes the memory a scope inside the innermost one of the calling fiber or thread.
  @usableFromInline
  func open(_ site: SourceSite, isShielded: Bool) {
    let host = Performer.current()
    let parent = host.scope
    initialize(
      to: ScopeRecord(
        parent: parent, host: host, opener: host, worker: host.pointee.worker, scheduler: parent.pointee.scheduler,
        nursery: nil, site, isShielded: isShielded))
    parent.adopt(self)
    if host.pointee.worker.isObserved { host.pointee.worker.observeOpening(self, isShielded ? .shield : .scope) }
  }

  /// Links an inner scope and lets its host into it.
  ///
  /// The scope inherits the cancellation unless it is a shield.
  @inline(__always)
  func adopt(_ inner: ScopeRef) {
    withLock { adoptUnderLock(inner) }
  }

  @inline(__always)
  func adoptUnderLock(_ inner: ScopeRef) {
    link(inner)
    if !inner.pointee.isShielded { inner.pointee.expiry.store(expiry(for: inner), ordering: .relaxed) }
    inner.pointee.host?.scope = inner
  }

  /// Called with both locks held.
  func link(_ inner: ScopeRef) {
    inner.pointee.links.next = pointee.links.firstInner
    inner.pointee.links.previous = nil
    if let first = pointee.links.firstInner { first.pointee.links.previous = inner }
    pointee.links.firstInner = inner
    // A scope that a fiber opens directly in its home is the fiber's outermost, and a fiber can be cancelled by itself.
    if let opener = inner.pointee.opener, opener.home == self { opener.pointee.membership.outermostScope = inner }
  }

  /// Called with both locks held.
  @inline(__always)
  func unlink(_ inner: ScopeRef) {
    let next = inner.pointee.links.next
    let previous = inner.pointee.links.previous
    if let previous { previous.pointee.links.next = next } else { pointee.links.firstInner = next }
    if let next { next.pointee.links.previous = previous }
    if let opener = inner.pointee.opener, opener.pointee.membership.outermostScope == inner {
      opener.pointee.membership.outermostScope = nil
    }
  }

  /// What a scope that hangs directly under this one inherits.
  ///
  /// Called with the lock held.
  @inline(__always)
  func expiry(for inner: ScopeRef) -> Int64 {
    if let opener = inner.pointee.opener, opener.home == self,
      opener.pointee.membership.isCancelledAlone.load(ordering: .relaxed)
    {
      return .min
    }
    let expiry = pointee.expiry.load(ordering: .relaxed)
    return expiry == .max || expiry == .min ? expiry : translate(expiry, for: inner)
  }

  /// An expiry of this scope, by the clock of an inner one: a run inside goes by another, and the distance is the same.
  @inline(never)
  private func translate(_ expiry: Int64, for inner: ScopeRef) -> Int64 {
    guard let worker = inner.pointee.alarm.worker, worker.isVirtual || isVirtual else { return expiry }
    return instant(worker.now - now, after: expiry)
  }

  private var isVirtual: Bool { pointee.alarm.worker?.isVirtual ?? false }

  /// Closes the scope on its host, which has no other scope open inside it and no child left.
  ///
  /// Its memory stays.
  ///
  /// - Parameter isAsked: whether a handle, or the caller, may ask afterwards how it ended.
  @usableFromInline
  package func close(isAsked: Bool = true) {
    guard let parent = pointee.links.parent else { return }
    if let host = pointee.host, host.pointee.worker.isObserved { host.observeClosing(self) }
    parent.pointee.lock.lock()
    pointee.lock.lock()
    if isAsked || pointee.cancellation != nil { settleExpiry() }
    let wasCancelled = pointee.expiry.load(ordering: .relaxed) == .min
    pointee.isClosed = true
    removeDeadline()
    parent.unlink(self)
    pointee.host?.scope = parent
    pointee.lock.unlock()
    parent.pointee.lock.unlock()
    waitForVisitors()
    if wasCancelled { lintLateEnd() }
  }

  /// Decides for good whether the scope was cancelled: once it is closed its clock may be gone.
  @inline(never)
  func settleExpiry() {
    let expiry = pointee.expiry.load(ordering: .relaxed)
    if expiry == .max || expiry == .min { return }
    let now = coarseNow
    if pointee.reason == nil, pointee.alarm.deadline <= now { return cancelUnderLock(deadlineReason) }
    pointee.expiry.store(expiry <= now ? .min : .max, ordering: .releasing)
  }

  /// Ends the use of its memory, and closes the scope before that if it is open; no other fiber or thread knows it.
  @usableFromInline
  func end() {
    if !pointee.isClosed { close(isAsked: false) }
    deinitialize(count: 1)
  }

  /// Gives the memory of a closed scope back that has memory of its own.
  package func free() {
    destroy()
  }
}
