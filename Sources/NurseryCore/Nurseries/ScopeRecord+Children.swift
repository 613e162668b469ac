import Synchronization

extension ScopeRef {
  /// Makes the fiber a child of this scope; false if the scope is closed.
  @inline(__always)
  func add(_ child: FiberRef) -> Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if pointee.isClosed { return false }
    child.pointee.nextSibling = pointee.firstChild
    if let first = pointee.firstChild { first.pointee.previousSibling = child }
    pointee.firstChild = child
    pointee.childCount += 1
    return true
  }

  /// Takes an ended child out; the last one wakes the host that waits for it.
  ///
  /// The child does not touch the scope afterwards.
  @inline(__always)
  func remove(_ child: FiberRef) {
    pointee.lock.lock()
    let next = child.pointee.nextSibling
    let previous = child.pointee.previousSibling
    if let previous { previous.pointee.nextSibling = next } else { pointee.firstChild = next }
    if let next { next.pointee.previousSibling = previous }
    pointee.childCount -= 1
    let successor = isLimited ? passTurn(from: child) : nil
    let joiner = pointee.childCount == 0 ? pointee.joiner : nil
    if joiner != nil { pointee.joiner = nil }
    pointee.lock.unlock()
    joiner?.makeReady()
    successor?.makeReady()
  }

  /// Notes a child's failure and, unless the policy is to go on, cancels the siblings.
  package func noteFailure(_ error: any Error) {
    // A scope without an opener is one of daemons; they fail their nursery.
    if pointee.opener == nil { return pointee.parent!.noteFailure(error) }
    pointee.lock.lock()
    if pointee.failureIdentities.insert(ErrorIdentity(error)).inserted { pointee.failures.append(error) }
    let policy = pointee.policy
    pointee.lock.unlock()
    if policy == .failFast { cancel(.failure) }
  }

  /// Waits, deaf to cancellation, until the last child has ended, then ends the daemons, and closes the scope to newcomers.
  ///
  /// Children that are spawned meanwhile by other children, or by daemons, are waited for as well.
  package func joinChildren(_ host: FiberRef) {
    repeat { waitForChildren(host) } while !closeIfEmpty(endingDaemonsFor: host)
  }

  func waitForChildren(_ host: FiberRef) {
    pointee.lock.lock()
    while pointee.childCount > 0 {
      pointee.joiner = host
      pointee.lock.unlock()
      host.letChildrenGoFirst()
      Worker.suspend(host)
      pointee.lock.lock()
    }
    pointee.lock.unlock()
  }

  /// Notes that a child has ended with a cancellation, which may be one that is not this scope's to absorb.
  func noteCancellation() {
    guard isParentCancelled else { return }
    pointee.lock.lock()
    pointee.wasCutShort = true
    pointee.lock.unlock()
  }

  /// Whether a child was ended by the cancellation of a scope around.
  package var wasCutShort: Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.wasCutShort
  }

  /// The failures of the children so far, in the order they happened.
  package var failures: [any Error] {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.failures
  }

  /// How many children have not ended.
  package var childCount: Int {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.childCount
  }

  /// Whether nothing can be spawned any more.
  package var isClosed: Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.isClosed
  }
}
