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

/// What one branch of a perform leaves with the thing it waits for: a node in the performer's record or on
/// its stack.
///
/// An offer is linked in at most one queue and only touched under that queue's lock, or by the one who has committed
/// its performer. The performer unlinks every offer of its own before the perform returns, so none is ever
/// found by anybody afterwards.
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
  /// Where a sender keeps its element, and where a receiver wants it.
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
  /// Tells the performer, whom the caller has just committed, which branch won and how.
  @usableFromInline
  func win(_ verdict: Verdict = .value) {
    pointee.performer.pointee.winner = pointee.index
    pointee.performer.pointee.verdict = verdict
  }

  /// Commits from outside, settles and wakes; false if the performer is taken already.
  @usableFromInline
  func commitFromOutside(_ verdict: Verdict = .value, _ turn: Turn = .last) -> Bool {
    let performer = pointee.performer
    guard performer.commit() else { return false }
    win(verdict)
    performer.makeReady(turn)
    return true
  }
}
