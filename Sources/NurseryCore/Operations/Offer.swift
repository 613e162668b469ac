import Synchronization

@usableFromInline package typealias OfferRef = UnsafeMutablePointer<Offer>

/// How a committed branch ended.
@usableFromInline
package enum Verdict: UInt8 {
  /// The value is in the slot, or the source has it.
  case value
  /// The channel was closed.
  case closed
  /// A user's primitive failed it; the error is in the performance.
  case failed
  /// Nothing has committed: the performer is to try again; see `Gate`.
  case again
}

/// The entry of one branch of a perform in the queue of its source: a node in the performer's record or on its stack.
///
/// An offer is linked in at most one queue. It is touched only under that queue's lock, or by the committer of its
/// performer. The performer unlinks all its offers before the perform returns, so no other thread finds one afterwards.
@usableFromInline
package struct Offer {
  @usableFromInline var next: OfferRef?
  @usableFromInline var previous: OfferRef?
  @usableFromInline var isLinked = false
  /// Whether it is the timer of an operation's limit, which is no branch of its own.
  var isLimit = false
  /// Which branch of the perform this is.
  @usableFromInline var index: Int32
  /// Its ticket in the timers; -1 when it is in none.
  var timer: Int32 = -1
  @usableFromInline let performer: FiberRef
  /// The place of a sender's element, or where a receiver gets it.
  @usableFromInline var slot: UnsafeMutableRawPointer
  @usableFromInline var source: Unmanaged<OperationSource>
  /// The operation's argument: a duration, a deadline, the bits of a small element.
  @usableFromInline var argument: UInt

  @usableFromInline
  init(
    _ performer: FiberRef, _ source: Unmanaged<OperationSource>, argument: UInt, index: Int32,
    slot: UnsafeMutableRawPointer
  ) {
    self.performer = performer
    self.source = source
    self.argument = argument
    self.index = index
    self.slot = slot
  }
}

extension OfferRef {
  /// Tells the performer, which the caller has just committed, which branch won and how.
  @usableFromInline
  func win(_ verdict: Verdict = .value) {
    pointee.performer.pointee.wait.winner = pointee.index
    pointee.performer.pointee.wait.verdict = verdict
  }

  /// Commits from outside, settles and wakes; false if the performer is committed already.
  @usableFromInline
  func commitFromOutside(_ verdict: Verdict = .value, _ turn: Turn = .last) -> Bool {
    commitFromOutsideInline(verdict, turn)
  }

  @inline(__always) @discardableResult
  func commitFromOutsideInline(_ verdict: Verdict, _ turn: Turn) -> Bool {
    let performer = pointee.performer
    guard performer.commit() else { return false }
    win(verdict)
    performer.makeReadyInline(turn)
    return true
  }
}
