/// A limit on how many children run at once; the others wait for a permit, first come, first served.
///
///     spawned --- fewer run than may ---> has a permit ---> ended --- and no child waits ---> one runs less
///        |                                    ^               |
///        +--> waiting, linked by `next` ------+---------------+  an ending child passes its permit on
///                |
///                +--- cancelled, alone or with the scope ---> made ready without a permit, to end without having run
///
/// Invariant: if a child waits, as many have permits as may, and the scope is not cancelled. A waiting child is a child
/// like the others: the nursery does not close before it has ended. All of this happens under the scope's lock.
extension NurseryRecord {
  struct Permits {
    /// How many children have begun and not ended.
    fileprivate var taken = 0
    fileprivate var firstWaiting: FiberRef?
    fileprivate var lastWaiting: FiberRef?
  }
}

extension NurseryRef {
  var isLimited: Bool { pointee.traits.limit != .max }

  /// Whether a new child, which has all it needs to run, may do so at once; if not it waits, and may be running already
  /// when this returns.
  ///
  /// In a cancelled scope no child waits.
  func takePermit(_ child: FiberRef) -> Bool {
    scope.withLock {
      if pointee.scope.isMarked { return true }
      if pointee.permits.taken < pointee.traits.limit {
        pointee.permits.taken += 1
        child.pointee.membership.permit = .taken
        return true
      }
      child.pointee.membership.permit = .awaited
      child.pointee.next = nil
      if let last = pointee.permits.lastWaiting {
        last.pointee.next = child
      } else {
        pointee.permits.firstWaiting = child
      }
      pointee.permits.lastWaiting = child
      return false
    }
  }

  /// The child that gets the permit of one that has ended.
  ///
  /// Called with the lock held; the caller owes it `makeReady`.
  func passPermit(from child: FiberRef) -> FiberRef? {
    guard child.pointee.membership.permit == .taken else { return nil }
    guard let next = pointee.permits.firstWaiting else {
      pointee.permits.taken -= 1
      return nil
    }
    dequeue(next, after: nil)
    next.pointee.membership.permit = .taken
    return next
  }

  /// Lets a child that is cancelled, alone, end without waiting for a permit; takes time in proportion to those that
  /// wait before it.
  ///
  /// Called with the lock held.
  func revokePermit(of child: FiberRef) {
    guard child.pointee.membership.permit == .awaited else { return }
    var previous: FiberRef?
    var candidate = pointee.permits.firstWaiting
    while let waiting = candidate, waiting != child {
      previous = waiting
      candidate = waiting.pointee.next
    }
    dequeue(child, after: previous)
    child.pointee.membership.permit = .revoked
    child.makeReady()
  }

  /// Lets all children that wait end; the scope is cancelled.
  ///
  /// Called with the lock held.
  func revokeAllPermits() {
    while let child = pointee.permits.firstWaiting {
      dequeue(child, after: nil)
      child.pointee.membership.permit = .revoked
      child.makeReady()
    }
  }

  private func dequeue(_ child: FiberRef, after previous: FiberRef?) {
    let next = child.pointee.next
    if let previous { previous.pointee.next = next } else { pointee.permits.firstWaiting = next }
    if pointee.permits.lastWaiting == child { pointee.permits.lastWaiting = previous }
  }
}
