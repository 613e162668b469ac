import CSwitch
import Synchronization

/// The word that decides which branch of a perform commits: the protocol of Parallel CML (Reppy, Russo, Xiao, ICFP 2009).
///
///          leaves its first offer              a partner, a timer, a close or a cancellation
///     claimed -----------------> waiting -----------------------------------------------> committed
///        ^                       |    ^                                                     ^
///        | begins to enlist      |    | the partner was gone, or goes first                 |
///        |       means to commit v    |                                                     |
///     idle       with a partner  claimed ---------------------------------------------------+
///                                        has committed the partner, so commits itself
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
  static let idle: UInt64 = 0
  static let waiting: UInt64 = 1
  static let claimed: UInt64 = 2
  static let committed: UInt64 = 3

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
  @usableFromInline
  func beginEnlisting() {
    let word = pointee.claim.load(ordering: .relaxed)
    pointee.claim.store(Claim.with(word &+ 4, Claim.claimed), ordering: .relaxed)
  }

  /// Lets others commit the perform; the offer is linked, under its queue's lock.
  @usableFromInline
  func startWaiting() {
    let word = pointee.claim.load(ordering: .relaxed)
    pointee.claim.store(Claim.with(word, Claim.waiting), ordering: .releasing)
  }

  /// Ends a perform that committed before others could commit it.
  @usableFromInline
  func endEnlisting() {
    let word = pointee.claim.load(ordering: .relaxed)
    pointee.claim.store(Claim.with(word, Claim.committed), ordering: .releasing)
  }

  /// The number of the current perform.
  var epoch: UInt64 { pointee.claim.load(ordering: .relaxed) >> 2 }

  /// Commits the calling performer's own perform, unless another thread has.
  @usableFromInline
  func commitSelf() -> Bool { commit(expectedEpoch: nil) }

  /// Commits a perform from outside (a timer, a close, a cancellation, a user's primitive); false if it has ended or is taken.
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

  /// Changes the word if it still has the expected value, which is certain if no other thread exists.
  @inline(__always)
  private func replaceClaim(_ found: UInt64, by desired: UInt64) -> Bool {
    if cs_is_only_thread() {
      pointee.claim.store(desired, ordering: .relaxed)
      return true
    }
    return pointee.claim.compareExchange(expected: found, desired: desired, ordering: .acquiringAndReleasing).exchanged
  }

  /// Commits `partner` together with this performer, which is running and holds the lock of the partner's queue.
  ///
  /// - Parameter published: whether this performer has offers that others can take, so that its own word counts.
  func claim(_ partner: FiberRef, published: Bool) -> ClaimResult {
    if !published { return partner.commit() ? .claimed : .gone }
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
