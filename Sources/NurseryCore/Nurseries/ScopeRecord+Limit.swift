/// A limit on how many children run at once; the others wait for their turn, first come, first served.
///
///     spawned --- fewer run than may ---> has a turn ---> ended --- and nobody waits ---> one runs less
///        |                                    ^             |
///        +--> waiting, linked by `next` ------+-------------+  an ending child passes its turn on
///                |
///                +--- cancelled, alone or with the scope ---> made ready without a turn, to end without having run
///
/// Invariant: if anybody waits, as many have turns as may, and the scope is not cancelled. A waiting child is a child like the others: the
/// scope does not close before it has ended. All of this happens under the scope's lock.
extension ScopeRef {
  var isLimited: Bool { pointee.limit != .max }

  /// Whether a new child, which has all it needs to run, may do so at once; if not it waits, and may be running already when this returns.
  ///
  /// In a cancelled scope nobody waits.
  func takeTurn(_ child: FiberRef) -> Bool {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if pointee.isMarked { return true }
    if pointee.runningCount < pointee.limit {
      pointee.runningCount += 1
      child.pointee.turn = .taken
      return true
    }
    child.pointee.turn = .awaited
    child.pointee.next = nil
    if let last = pointee.lastWaiting { last.pointee.next = child } else { pointee.firstWaiting = child }
    pointee.lastWaiting = child
    return false
  }

  /// The child whose turn it is when one that has a turn has ended.
  ///
  /// Called with the lock held; the caller owes it `makeReady`.
  func passTurn(from child: FiberRef) -> FiberRef? {
    guard child.pointee.turn == .taken else { return nil }
    guard let next = pointee.firstWaiting else {
      pointee.runningCount -= 1
      return nil
    }
    dequeue(next, after: nil)
    next.pointee.turn = .taken
    return next
  }

  /// Lets a child that is cancelled, alone, end without waiting for its turn; takes time in proportion to those who wait before it.
  ///
  /// Called with the lock held.
  func forfeitTurn(of child: FiberRef) {
    guard child.pointee.turn == .awaited else { return }
    var previous: FiberRef?
    var candidate = pointee.firstWaiting
    while let waiting = candidate, waiting != child {
      previous = waiting
      candidate = waiting.pointee.next
    }
    dequeue(child, after: previous)
    child.pointee.turn = .forfeited
    child.makeReady()
  }

  /// Lets everybody who waits end; the scope is cancelled.
  ///
  /// Called with the lock held.
  func forfeitAllTurns() {
    while let child = pointee.firstWaiting {
      dequeue(child, after: nil)
      child.pointee.turn = .forfeited
      child.makeReady()
    }
  }

  private func dequeue(_ child: FiberRef, after previous: FiberRef?) {
    if let previous { previous.pointee.next = child.pointee.next } else { pointee.firstWaiting = child.pointee.next }
    if pointee.lastWaiting == child { pointee.lastWaiting = previous }
  }
}
