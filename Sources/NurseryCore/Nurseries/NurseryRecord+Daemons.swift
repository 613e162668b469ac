/// Daemons: children of a nursery that serve the others, and are cancelled when those have ended.
///
/// They live in a nursery of their own inside the one they serve, which has no host and is made for the first of them.
/// It is cancelled with the other; its children's failures are the other's.
///
///     children run ---> none left ---> daemons cancelled ("ended") ---> none left ---> closed, both under both locks
///          ^                                                                 |
///          +-------------- a daemon, or a thread, has spawned a child -------+
extension NurseryRef {
  /// The nursery that daemons are spawned into.
  @usableFromInline
  package func daemonNursery() -> NurseryRef {
    scope.withLock {
      if let daemons = pointee.daemons { return daemons }
      let daemons = NurseryRef.make(
        parent: scope, host: nil, opener: nil, worker: nil, scheduler: pointee.scope.scheduler, scope.site)
      daemons.pointee.scope.isClosed = pointee.scope.isClosed
      scope.adoptUnderLock(daemons.scope)
      daemons.pointee.draining.hasBegun = pointee.draining.hasBegun
      pointee.daemons = daemons
      // A closed nursery may be that of a run that is over.
      if !pointee.scope.isClosed {
        pointee.scope.scheduler?._withUnsafeGuaranteedRef { $0.recordOpening(daemons.scope) }
      }
      return daemons
    }
  }

  /// The nursery that this one's children serve; nil if they are no daemons.
  var served: NurseryRef? { pointee.scope.opener == nil ? pointee.scope.links.parent?.pointee.nursery : nil }

  /// Whether children or daemons have not ended.
  var hasChildren: Bool {
    scope.withLock { childCountUnderLock > 0 || pointee.daemons.map { $0.childCount > 0 } ?? false }
  }

  /// Called with the lock held.
  func moveDaemons(to scheduler: Unmanaged<Scheduler>?) { pointee.daemons?.pointee.scope.scheduler = scheduler }

  /// Closes the nursery, and that of its daemons, to newcomers if both are empty; else ends the daemons there are, and
  /// returns false.
  func closeIfEmpty(endingDaemonsFor host: FiberRef) -> Bool {
    var lively: NurseryRef?
    let isClosed = scope.withLock {
      if childCountUnderLock > 0 { return false }
      if let daemons = pointee.daemons {
        daemons.scope.withLock {
          if daemons.childCountUnderLock > 0 { lively = daemons } else { daemons.pointee.scope.isClosed = true }
        }
      }
      pointee.scope.isClosed = lively == nil
      return lively == nil
    }
    if let lively {
      lively.scope.cancel(.ended)
      lively.waitForChildren(host)
    }
    return isClosed
  }
}
