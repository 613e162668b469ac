import CSwitch
import Synchronization

/// How a perform is committed, or waits until it is; see `Performance` for the order.
extension Performance {
  /// Commits exactly one leaf, waiting for it if need be.
  ///
  /// - Throws: `CancellationError` if the scope is or gets cancelled first; then no leaf has committed.
  @usableFromInline
  @inline(never)
  mutating func commit() throws {
    let isCommitted = !me.isCancelled && (isPolledFirst && poll(.poll) || layOutAndEnlist())
    abandon()
    if !isCommitted { throw CancellationError() }
  }

  /// A single operation is not, whatever its timeouts: it is enlisted before they are looked at.
  @inline(__always)
  var isPolledFirst: Bool { count &- timeoutCount > 1 || hasAttempts || hasPrimitives }

  /// Commits a leaf that is ready now; false if there is none, and then every branch is abandoned.
  @usableFromInline
  mutating func commitIfReady() throws -> Bool {
    if me.isCancelled {
      abandon()
      throw CancellationError()
    }
    let committed = poll(.poll) || poll(.pollLate)
    abandon()
    return committed
  }

  /// False if the cancellation won.
  @inline(__always)
  private mutating func layOutAndEnlist() -> Bool {
    layOutLeaves()
    return enlistAndPark() && (verdict != .again || tryAgain())
  }

  /// Goes on after a leaf has been told to try again; false if the cancellation won.
  @inline(never)
  private mutating func tryAgain() -> Bool {
    // All are laid out, and stay so: a timer goes by the deadline that it had.
    leaves = nil
    repeat {
      if me.isCancelled {
        winner = -1
        return commitBegun()
      }
      if poll(.poll) { return true }
      guard enlistAndPark() else { return false }
    } while verdict == .again
    return true
  }

  /// Leaves an offer for every leaf and waits until one commits, or is to be tried again; false if the cancellation
  /// won.
  ///
  /// Inlined, as is the parking: see `Worker.suspend`.
  @inline(__always)
  private mutating func enlistAndPark() -> Bool {
    switch enlist() {
    case .ended(let isCommitted): return isCommitted
    case .lost(let leaf):
      waitForWakeup()
      return endWait(upTo: leaf)
    case .waits:
      me.parkUnlessCancelled(offers, count)
      return endWait(upTo: count)
    }
  }

  /// What leaving the offers has led to.
  enum Enlisted {
    /// A leaf has committed or is to be tried again; false if the cancellation won.
    case ended(Bool)
    /// Another thread has committed the perform when so many leaves were enlisted; a wakeup is on its way.
    case lost(Int)
    /// All leaves are enlisted; a wakeup comes when one commits.
    case waits
  }

  /// Leaves an offer for every leaf, unless one commits.
  @inline(__always)
  mutating func enlist() -> Enlisted {
    var published = false
    if hasPrimitives {
      if let isCommitted = openWithWaiters() { return .ended(isCommitted || commitBegun()) }
    } else {
      me.beginEnlisting()
    }
    for leaf in 0..<count {
      switch ask(leaf, published ? .enlist : .enlistAlone) {
      case .committed:
        me.endEnlisting()
        withdraw(upTo: leaf)
        settle()
        return .ended(true)
      case .lost: return .lost(leaf)
      case .pending:
        published = published || Claim.state(me.pointee.claim.load(ordering: .relaxed)) != Claim.claimed
      }
    }
    if !published {
      me.startWaiting()
      fullFence()
    }
    return .waits
  }

  /// After the wakeup: takes the offers back; false if the cancellation won.
  @inline(__always)
  mutating func endWait(upTo leaf: Int) -> Bool {
    withdraw(upTo: leaf)
    settle()
    return winner >= 0 || commitBegun()
  }

  /// After a cancellation: commits the first branch that outlasts it; false if there is none.
  @inline(never)
  mutating func commitBegun() -> Bool {
    for leaf in 0..<count {
      let offer = offers + leaf
      guard offer.pointee.source._withUnsafeGuaranteedRef({ $0.outlastsCancellation }) else { continue }
      winner = Int(offer.pointee.index)
      verdict = .value
      return true
    }
    return false
  }

  @inline(never)
  private func waitForWakeup() { Worker.suspend(me) }

  /// Withdraws the offers, except those that are no longer linked.
  ///
  /// The winner needs no lock here: the committer unlinked it first.
  private mutating func withdraw(upTo end: Int) {
    for leaf in 0..<end {
      let offer = offers + leaf
      offer.pointee.source._withUnsafeGuaranteedRef { source in
        let isMine = offer.pointee.index == me.pointee.wait.winner || cs_is_only_thread()
        if isMine, !offer.pointee.isLinked, !source.keepsAccount { return }
        source.withdraw(offer)
      }
    }
  }

  mutating func settle() {
    winner = Int(me.pointee.wait.winner)
    verdict = me.pointee.wait.verdict
    if hasPrimitives { withdrawWaiters() }
  }

  /// Settles a perform that was decided without the claim word.
  mutating func settle(winner: Int32) {
    me.pointee.wait.winner = winner
    me.pointee.wait.verdict = .value
    settle()
  }

  /// Fires what the losers asked for, once, in the order the branches were looked at.
  ///
  /// These may perform operations of their own.
  @inline(__always)
  mutating func abandon() {
    if regions != nil { fireRegions() }
  }

  @inline(never)
  private mutating func fireRegions() {
    guard let storage = regions else { return }
    regions = nil
    let all = storage.move()
    storage.deallocate()
    for region in all where !region.leaves.contains(winner) { region.abandon() }
  }
}
