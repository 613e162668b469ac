import CSwitch
import Synchronization

/// The word that decides which branch of a perform commits: the protocol of Parallel CML (Reppy, Russo, Xiao, ICFP
/// 2009).
///
///          leaves its first offer              a partner, a timer, a close or a cancellation
///     claimed -----------------> waiting -----------------------------------------------> committed
///        ^                       |    ^                                                     ^
///        | begins to enlist      |    | the partner was gone, or goes first                 |
///        |       means to commit v    |                                                     |
/// committed      with a partner  claimed ---------------------------------------------------+
/// (at rest)                              has committed the partner, so commits itself
///
/// Only the performer moves its word to `claimed` and from there. Any thread may move `waiting` to `committed`, once;
/// this committer then gives the performer `winner`, the value and a `makeReady`.
///
/// Invariants. (1) A rendezvous moves two words to `committed` or none: the performer's own word is `claimed`,
/// invisible to committers, while it tries the partner's. (2) No performer waits for ever on a `claimed` word: if two
/// performers find each other claimed, the one at the higher address returns to `waiting`; in any cycle of such waits
/// at least one performer has a higher address than its partner. (3) A performer that others can find takes no further
/// lock while it is claimed, so waiting for it under a lock is safe. (A performer that begins to enlist is claimed
/// before it takes the lock of its first queue, but only a cancellation can find it then, and that holds no queue's
/// lock.)
///
/// The upper 62 bits count performs, so a waiter that a user's primitive keeps after its perform has ended has no
/// effect.
@usableFromInline
enum Claim {
  // Numbered so that a performer's own steps add a constant: to begin adds 3 and so counts the perform, to wait
  // subtracts 1.
  @usableFromInline static var waiting: UInt64 { 1 }
  @usableFromInline static var claimed: UInt64 { 2 }
  @usableFromInline static var committed: UInt64 { 3 }

  @inlinable @inline(__always)
  static func state(_ word: UInt64) -> UInt64 { word & 3 }
  static func with(_ word: UInt64, _ state: UInt64) -> UInt64 { word & ~3 | state }
}

/// The outcome of an attempt to commit with a partner.
@usableFromInline
enum ClaimResult {
  /// The partner is ours, and so are we.
  case claimed
  /// The partner has committed elsewhere; try the next one.
  case gone
  /// We have been committed ourselves meanwhile; stop, a wakeup is on its way.
  case lost
}

extension FiberRef {
  /// Opens a new perform, which no other thread can commit before `startWaiting`.
  ///
  /// Called before the lock of the first queue is taken: that exchange orders it before the check of the scope's
  /// cancellation, so either the canceller finds the perform begun, or the performer finds the mark.
  @inlinable @inline(__always)
  func beginEnlisting() {
    let word = pointee.claim.load(ordering: .relaxed)
    assert(Claim.state(word) == Claim.committed, "a performer begins a perform in the middle of another")
    pointee.claim.store(word &+ 3, ordering: .relaxed)
  }

  /// Lets others commit the perform; the offer is linked, under its queue's lock.
  @inline(__always)
  func startWaiting() {
    let word = pointee.claim.load(ordering: .relaxed)
    assert(Claim.state(word) == Claim.claimed, "a performer starts to wait twice")
    pointee.claim.store(word &- 1, ordering: .releasing)
  }

  /// Ends a perform that committed before others could commit it.
  @inlinable @inline(__always)
  func endEnlisting() {
    let word = pointee.claim.load(ordering: .relaxed)
    pointee.claim.store(word | Claim.committed, ordering: .releasing)
  }

  /// The number of the current perform.
  var epoch: UInt64 { pointee.claim.load(ordering: .relaxed) >> 2 }

  /// Commits the calling performer's own perform, unless another thread has.
  @usableFromInline
  func commitSelf() -> Bool { commit(expectedEpoch: nil) }

  /// Commits a perform from outside (a timer, a close, a cancellation, a user's primitive); false if it has ended or is
  /// taken.
  func commit(expectedEpoch: UInt64? = nil) -> Bool {
    while true {
      let word = pointee.claim.load(ordering: .acquiring)
      if let expectedEpoch, word >> 2 != expectedEpoch { return false }
      switch Claim.state(word) {
      case Claim.waiting:
        let desired = Claim.with(word, Claim.committed)
        if replaceClaim(word, by: desired) { return true }
      case Claim.claimed: cs_pause()
      default: return false
      }
    }
  }

  /// As `commit`, but false also if the performer is claimed just now.
  @inlinable @inline(__always)
  func commitsAtOnce() -> Bool {
    let word = pointee.claim.load(ordering: .acquiring)
    return Claim.state(word) == Claim.waiting && replaceClaim(word, by: word | Claim.committed)
  }

  /// Changes the word if it still has the expected value, which is certain if no other thread exists.
  @inlinable @inline(__always)
  func replaceClaim(_ found: UInt64, by desired: UInt64) -> Bool {
    if cs_is_only_thread() {
      pointee.claim.store(desired, ordering: .relaxed)
      return true
    }
    return pointee.claim.compareExchange(expected: found, desired: desired, ordering: .acquiringAndReleasing).exchanged
  }

  /// Commits `partner` together with this performer, which is running, has offers that others can take, and holds the
  /// lock of the partner's queue.
  func claim(_ partner: FiberRef) -> ClaimResult {
    while true {
      let own = pointee.claim.load(ordering: .relaxed)
      guard Claim.state(own) == Claim.waiting, replaceClaim(own, by: Claim.with(own, Claim.claimed)) else {
        return .lost
      }
      switch takeWhileClaimed(partner) {
      case .claimed:
        pointee.claim.store(Claim.with(own, Claim.committed), ordering: .releasing)
        return .claimed
      case .gone:
        pointee.claim.store(own, ordering: .releasing)
        return .gone
      case .lost:
        // The partner is trying the same and goes first: step back, let it commit, check again.
        pointee.claim.store(own, ordering: .releasing)
        cs_pause()
      }
    }
  }

  /// `.lost` here means: step back.
  private func takeWhileClaimed(_ partner: FiberRef) -> ClaimResult {
    while true {
      let word = partner.pointee.claim.load(ordering: .acquiring)
      switch Claim.state(word) {
      case Claim.waiting:
        let desired = Claim.with(word, Claim.committed)
        if partner.replaceClaim(word, by: desired) { return .claimed }
      case Claim.claimed:
        if self > partner { return .lost }
        cs_pause()
      default: return .gone
      }
    }
  }
}
