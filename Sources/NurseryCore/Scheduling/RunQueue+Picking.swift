extension RunQueue {
  /// For how many picks the same part of a queue is preferred.
  fileprivate static var phase: UInt32 { 64 }
}

/// Which fiber of a queue runs next.
///
/// Fairness: slot, due, families and the two lists are preferred for 64 picks in turn, so neither a pair that keeps
/// waking each other nor a family without end, nor sleepers that are always due, nor a list that never runs dry keep
/// the others waiting for more than three times that.
extension UnsafeMutablePointer<RunQueue> {
  @inline(__always)
  func pop() -> FiberRef? {
    if pointee.sharesBegun || freshCount > 0 { return popAny() }
    pointee.turns &+= 1
    return popOwn()
  }

  /// The slot comes first for a phase in four, and else after what is due and listed.
  @inline(__always)
  private func popOwn() -> FiberRef? {
    let fiber: FiberRef?
    switch pointee.turns & (3 * RunQueue.phase) {
    case 0: fiber = popSlot() ?? popDue() ?? popList()
    case RunQueue.phase: fiber = popList() ?? popDue() ?? popSlot()
    default: fiber = popDue() ?? popList() ?? popSlot()
    }
    if fiber != nil { adjustOwnCount(-1) }
    return fiber
  }

  @inline(never)
  private func popAny() -> FiberRef? {
    if pointee.isShared { return locked(if: true) { popPreferred() } }
    // The only one, in whatever order.
    if count == 1 {
      pointee.turns &+= 1
      return popFamily() ?? popFresh()
    }
    return popPreferred()
  }

  /// Called under the lock.
  @inline(never)
  private func popPreferred() -> FiberRef? {
    pointee.turns &+= 1
    return switch pointee.turns & (3 * RunQueue.phase) {
    case 0: own(popSlot()) ?? own(popDue()) ?? popFamily() ?? popOldest()
    case RunQueue.phase: popOldest() ?? own(popDue()) ?? popFamily() ?? own(popSlot())
    case 2 * RunQueue.phase: own(popDue()) ?? popFamily() ?? popOldest() ?? own(popSlot())
    default: popFamily() ?? own(popDue()) ?? popOldest() ?? own(popSlot())
    }
  }

  @inline(__always)
  private func own(_ fiber: FiberRef?) -> FiberRef? {
    if fiber != nil { adjustOwnCount(-1) }
    return fiber
  }

  @inline(__always)
  private func popSlot() -> FiberRef? {
    guard let fiber = pointee.slot else { return nil }
    pointee.slot = nil
    return fiber
  }

  @inline(__always)
  private func popDue() -> FiberRef? { pointee.due.popFirst() }

  @inline(__always)
  private func popList() -> FiberRef? { pointee.list.popFirstFetching(searchesAhead) }

  private func popFamily() -> FiberRef? {
    guard let fiber = stealable.pointee.families.popFirst() else { return nil }
    if stealable.pointee.families.isEmpty { noteFamilies() }
    adjustFreshCount(-1)
    return fiber
  }

  /// Of those that have begun and those that have not, the one that came first.
  private func popOldest() -> FiberRef? {
    guard let fresh = stealable.pointee.fresh.first else { return own(popList()) }
    if let begun = pointee.list.first, begun.cameBefore(fresh) { return own(popList()) }
    return popFresh()
  }

  @inline(__always)
  private func popFresh() -> FiberRef? {
    let fiber = stealable.pointee.fresh.popFirst()
    if fiber != nil { adjustFreshCount(-1) }
    return fiber
  }

  /// The next of those that thieves could take; for a worker that gives them up.
  func popStealable() -> FiberRef? {
    locked(if: pointee.isShared) {
      pointee.turns &+= 1
      if let fiber = popFamily() { return fiber }
      if pointee.sharesBegun { return own(popSlot()) ?? own(popDue()) ?? popOldest() }
      return popFresh()
    }
  }

  /// Among few fibers everything is near.
  @inline(__always)
  private var searchesAhead: Bool { pointee.turns & 15 == 0 && begunCount > 16 }
}
