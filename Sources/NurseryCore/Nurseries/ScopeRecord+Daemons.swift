/// Daemons: children of a nursery that serve the others, and are cancelled when those have ended.
///
/// They live in a scope of their own inside the nursery's, which has no host and is made for the first of them. It is cancelled with
/// the nursery; its children's failures are the nursery's.
///
///     children run ---> none left ---> daemons cancelled ("ended") ---> none left ---> closed, both under both locks
///          ^                                                                 |
///          +-------------- a daemon, or a thread, has spawned a child -------+
extension ScopeRef {
  /// The scope that daemons are spawned into.
  @usableFromInline
  package func daemonScope() -> ScopeRef {
    pointee.lock.lock()
    if let daemons = pointee.daemons {
      pointee.lock.unlock()
      return daemons
    }
    var traits = ScopeTraits()
    traits.site = pointee.site
    let daemons = ScopeRef.make(parent: self, host: nil, scheduler: pointee.scheduler, traits)
    daemons.pointee.isClosed = pointee.isClosed
    adoptUnderLock(daemons)
    pointee.daemons = daemons
    pointee.lock.unlock()
    return daemons
  }

  /// Closes the scope, and that of its daemons, to newcomers if both are empty; else ends the daemons there are, and returns false.
  func closeIfEmpty(endingDaemonsFor host: FiberRef) -> Bool {
    pointee.lock.lock()
    if pointee.childCount > 0 {
      pointee.lock.unlock()
      return false
    }
    guard let daemons = pointee.daemons else {
      pointee.isClosed = true
      pointee.lock.unlock()
      return true
    }
    daemons.pointee.lock.lock()
    let isEmpty = daemons.pointee.childCount == 0
    if isEmpty {
      daemons.pointee.isClosed = true
      pointee.isClosed = true
    }
    daemons.pointee.lock.unlock()
    pointee.lock.unlock()
    if isEmpty { return true }
    daemons.cancel(.ended)
    daemons.waitForChildren(host)
    return false
  }
}
