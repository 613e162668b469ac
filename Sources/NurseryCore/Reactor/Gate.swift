import CSwitch
import Synchronization

package typealias GateRef = UnsafeMutablePointer<Gate>

/// Where those wait who have tried something in vain and want to be told when trying again makes sense.
///
/// A gate knows nothing of what is behind it. It is opened for everybody by a signal, and shuts by itself:
///
///     waiter:    note the epoch -> try -> in vain -> leave an offer, unless the epoch has moved -> park
///     signaller: change something -> move the epoch -> wake every offer that stands, to try again
///
/// Invariant: no signal after a waiter's attempt has begun is lost on him. The epoch is moved, and offers are left, under the lock: he
/// either finds the epoch moved, or is found.
///
/// Who is woken has committed to nothing. He is no longer to be had by others while he tries; should it be in vain again, all his
/// branches are tried and left anew (`Performance.tryAgain`). Meanwhile a partner may have passed him by, which does no harm: the
/// partner stands in his own queue by then, and is found there.
package struct Gate: ~Copyable {
  // Not the lock first: the thread sanitizer books a mutation of any part at the address of the whole.
  fileprivate var waiters = WaitQueue()
  fileprivate let lock = SpinLock(.queue)
  fileprivate let moves = Atomic<UInt32>(0)

  package init() {}
}

extension GateRef {
  /// How many signals there have been; to be noted before an attempt.
  package var epoch: UInt32 { pointee.moves.load(ordering: .acquiring) }

  func fetch() { cs_prefetch(self) }

  func fetchFirst() {
    pointee.lock.lock()
    let first = pointee.waiters.first
    pointee.lock.unlock()
    if let first { cs_prefetch(first) }
  }

  /// Tells everybody who waits to try again.
  package func signal() {
    pointee.lock.lock()
    // Nobody else writes it now.
    pointee.moves.store(pointee.moves.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    pointee.waiters.wakeAll(.again)
    pointee.lock.unlock()
  }

  /// Leaves the offer of somebody who has tried in vain since `epoch`.
  func enlist(_ offer: OfferRef, _ attempt: OperationSource.Attempt, since epoch: UInt32) -> OperationSource.Answer {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    guard epoch != self.epoch else {
      pointee.waiters.enlist(offer, attempt)
      return .pending
    }
    guard offer.commits(attempt) else { return .lost }
    offer.win(.again)
    return .committed
  }

  func withdraw(_ offer: OfferRef) {
    pointee.lock.lock()
    pointee.waiters.remove(offer)
    pointee.lock.unlock()
  }

  /// Parks the performer, who has tried in vain since `epoch`, until there is a signal; false if the cancellation came first.
  ///
  /// What a perform of a single branch does, without the branch.
  func wait(_ me: FiberRef, _ source: OperationSource, since epoch: UInt32) -> Bool {
    me.beginEnlisting()
    pointee.lock.lock()
    guard epoch == self.epoch else {
      me.endEnlisting()
      pointee.lock.unlock()
      return true
    }
    let offer = me.ownOffer
    offer.initialize(
      to: Offer(me, .passUnretained(source), argument: 0, index: 0, slot: UnsafeMutableRawPointer(self)))
    pointee.waiters.append(offer)
    me.startWaiting()
    pointee.lock.unlock()
    me.parkUnlessCancelled(offer)
    if me.pointee.winner >= 0 { return true }
    withdraw(offer)
    return false
  }
}
