import Synchronization

@usableFromInline package typealias OfferRef = UnsafeMutablePointer<Offer>

/// How a committed branch ended.
@usableFromInline
package enum Verdict: UInt8 {
  /// The value, if there is one, is in the slot.
  case value
  /// The source has the value or the error, and hands it over when it is asked: see `OperationSource.finish`.
  case kept
  /// The channel was closed.
  case closed
  /// The operation's timeout was over first.
  case timedOut
  /// Nothing has committed: the performer is to try again; see `Gate`.
  case again
  /// Nothing has committed: the scope was cancelled first.
  case cancelled
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
  /// Whether it is the timer of an operation's timeout, which is no branch of its own.
  var isTimeout = false
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

  /// Resumes the performer, which the caller, the performer `me`, has committed: it runs next, for its data is hot.
  @usableFromInline
  @inline(never)
  func resume(from me: FiberRef) {
    let performer = pointee.performer
    win()
    let worker = me.pointee.worker
    // Of the same worker, so neither a plain thread nor fresh.
    guard performer.pointee.worker == worker, !worker.pointee.queue.pointee.sharesBegun else {
      return performer.makeReadyNext()
    }
    if worker.isObserved { return worker.pushNextObserved(performer) }
    worker.pointee.queue.pushNext(performer)
  }

  /// Commits from outside and settles; the caller makes the performer ready.
  ///
  /// Nil if it is committed already.
  @inline(__always)
  func commitFromOutside(_ verdict: Verdict = .value) -> FiberRef? {
    let performer = pointee.performer
    guard performer.commit() else { return nil }
    win(verdict)
    return performer
  }
}

extension FiberRef {
  @inline(never)
  fileprivate func makeReadyNext() { makeReady(.next) }
}
