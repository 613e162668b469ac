import CSwitch
import Synchronization

package typealias GateRef = UnsafeMutablePointer<Gate>

/// The waiters whose attempts would block; a signal makes each of them try again.
///
/// A gate does not know what its waiters try. A signal wakes all of them:
///
///     waiter:    note the epoch -> try -> would block -> leave an offer, unless the epoch has moved -> park
///     signaller: change something -> move the epoch -> wake every waiter, to try again
///
/// Invariant: a waiter misses no signal after its attempt has begun. The epoch moves, and offers are left, under the
/// lock: either the waiter finds the epoch moved, or the signaller finds the waiter's offer.
///
/// A woken waiter has committed nothing; no other party can commit it while it retries. If the call would block again,
/// all its branches are polled and enlisted anew (`Performance.tryAgain`). A partner that has skipped it meanwhile is
/// queued itself by then, so the waiter finds it there.
package struct Gate: ~Copyable {
  // Not the lock first: the thread sanitizer books a mutation of any part at the address of the whole.
  fileprivate let waiters = WaitQueue()
  fileprivate let lock = SpinLock(.queue)
  fileprivate let moves = Atomic<UInt32>(0)

  package init() {}
}

extension GateRef {
  /// The number of signals so far; a waiter notes it before its attempt.
  package var epoch: UInt32 { pointee.moves.load(ordering: .acquiring) }

  func fetch() { cs_prefetch(self) }

  func fetchFirst() {
    if let first = pointee.lock.withLock({ pointee.waiters.first }) { cs_prefetch(first) }
  }

  /// Wakes all waiters; each retries.
  package func signal() {
    let tasks = pointee.lock.withLock {
      // No other thread writes it now: the lock is held.
      pointee.moves.store(pointee.moves.load(ordering: .relaxed) &+ 1, ordering: .releasing)
      return pointee.waiters.wakeAll(.again)
    }
    tasks.resume()
  }

  /// Leaves the offer of a performer whose last unsuccessful attempt was at `epoch`.
  func enlist(_ offer: OfferRef, _ attempt: OperationSource.Attempt, since epoch: UInt32) -> OperationSource.Answer {
    pointee.lock.withLock {
      guard epoch != self.epoch else {
        pointee.waiters.enlist(offer, attempt)
        return .pending
      }
      guard offer.commits(attempt) else { return .lost }
      offer.win(.again)
      return .committed
    }
  }

  func withdraw(_ offer: OfferRef) {
    pointee.lock.withLock { pointee.waiters.remove(offer) }
  }

  /// Parks the performer until the next signal after `epoch`, its last unsuccessful attempt; false if it is cancelled
  /// first.
  ///
  /// Does what a perform of a single branch does, without the branch.
  func wait(_ me: FiberRef, _ source: OperationSource, since epoch: UInt32) -> Bool {
    me.beginEnlisting()
    pointee.lock.lock()
    guard epoch == self.epoch else {
      me.endEnlisting()
      pointee.lock.unlock()
      return true
    }
    return me.wait(
      in: pointee.waiters, under: pointee.lock, for: .passUnretained(source), slot: UnsafeMutableRawPointer(self))
      != .cancelled
  }
}
