/// A limit on how many children run at once; the others wait for their turn, first come, first served.
///
///     spawned --- fewer run than may ---> begun ---> ended --- and nobody waits ---> one runs less
///        |                                  ^          |
///        +--> waiting, linked by `next` ----+----------+  an ending child passes its turn on
///
/// Invariant: if anybody waits, as many run as may. A waiting child is a child like the others: the scope does not close before it has
/// run, or, in a cancelled scope, has ended at its turn without.
extension ScopeRef {
  var isLimited: Bool { pointee.limit != .max }

  /// Whether a new child, which has all it needs to run, may do so at once; if not it waits, and may be running already when this returns.
  func takeTurn(_ child: FiberRef) -> Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if pointee.runningCount < pointee.limit {
      pointee.runningCount += 1
      return true
    }
    child.pointee.hasWaited = true
    child.pointee.next = nil
    if let last = pointee.lastWaiting { last.pointee.next = child } else { pointee.firstWaiting = child }
    pointee.lastWaiting = child
    return false
  }

  /// The child whose turn it is when another has ended.
  ///
  /// Called with the lock held; the caller owes it `makeReady`.
  func passTurn() -> FiberRef? {
    guard let child = pointee.firstWaiting else {
      pointee.runningCount -= 1
      return nil
    }
    pointee.firstWaiting = child.pointee.next
    if pointee.firstWaiting == nil { pointee.lastWaiting = nil }
    return child
  }
}
