/// The lock of a `FiberMutex`: one permit, its owner and its poison.
@usableFromInline
final class OwnedLock: @unchecked Sendable {
  private let owner = LockOwner()
  private let permit: PermitQueue
  private let poisons: Bool
  /// Touched by the owner alone.
  @exclusivity(unchecked) private var poison: PoisonedLockError?

  @usableFromInline
  init(poisons: Bool) {
    self.poisons = poisons
    permit = PermitQueue(1, "a FiberMutex") { [owner] _, _ in
      "a FiberMutex\(owner.description)"
    } holder: { [owner] in
      owner.waker
    }
  }

  /// Waits for the lock and owns it.
  ///
  /// The quick way ends in calls and has none in its middle: it saves no registers, which would cost as much as the rest.
  @usableFromInline
  func acquire(repairs: Bool, _ site: SourceSite) throws {
    // A free lock has no owner.
    guard let me = Performer.enterQuickly(), permit.takeOnly() else {
      return try acquireSlowly(repairs: repairs, site)
    }
    try begin(PerformerKey(fiber: me), site, repairs: repairs)
  }

  @inline(never)
  private func acquireSlowly(repairs: Bool, _ site: SourceSite) throws {
    let me = Performer.enter()
    if me.isCancelled { throw CancellationError() }
    let key = PerformerKey(me)
    if owner.isPerformer(key) { throw RelockError(held: owner.site, again: site) }
    try permit.take(1, by: me)
    try begin(key, site, repairs: repairs)
  }

  /// Waits for the lock and owns it; suspends the task meanwhile.
  nonisolated(nonsending) func acquire(repairs: Bool, _ site: SourceSite) async throws {
    let key = PerformerKey.caller
    if owner.isPerformer(key) { throw RelockError(held: owner.site, again: site) }
    try await permit.takeOp(1).perform()
    try begin(key, site, repairs: repairs)
  }

  func acquireOp(repairs: Bool, _ site: SourceSite) -> Op<Void> {
    .guarded { [self] in
      // Only the caller itself can make it the owner. If a later guard of the same choice does so, this branch waits
      // for its own performer; the deadlock report names it as the owner.
      if owner.isCaller { throw RelockError(held: owner.site, again: site) }
      return permit.takeOp(1).wrap { [self] in try begin(.caller, site, repairs: repairs) }
    }
  }

  @inline(__always)
  private func begin(_ key: PerformerKey, _ site: SourceSite, repairs: Bool) throws {
    owner.set(key, site)
    if poison != nil { try refuse(repairs: repairs) }
  }

  @inline(never)
  private func refuse(repairs: Bool) throws {
    guard let poison, !repairs else { return }
    release()
    throw poison
  }

  @usableFromInline
  func release() {
    owner.clear()
    permit.giveOnly()
  }

  /// Ends a use of the state that has not thrown.
  @usableFromInline
  func end(repairs: Bool) {
    if repairs { poison = nil }
    release()
  }

  /// Ends a use of the state that has thrown.
  @usableFromInline
  @inline(never)
  func end(throwing error: any Error) {
    if poisons, poison == nil, !(error is CancellationError), !(error is NurseryCancelledError) {
      poison = PoisonedLockError(site: owner.site, cause: error)
    }
    release()
  }

  /// Traps if the caller does not own the lock.
  func checkOwner() {
    require(
      owner.isCaller,
      "the FiberMutex locked at \(owner.site) is used by another fiber, thread or task than its owner; let the owner release it, and lock it here"
    )
  }
}
