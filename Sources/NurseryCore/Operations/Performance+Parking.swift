/// How performers wait.
extension FiberRef {
  /// Waits for one thing: leaves the performer's own offer in a queue and parks until another thread commits it.
  ///
  /// Called after `beginEnlisting`, under the queue's lock, which this unlocks. A perform of several leaves does the
  /// same with several offers; see `Performance`.
  ///
  /// - Parameter slot: the place of a sender's element, or where a receiver gets it.
  @usableFromInline
  @inline(never)
  func wait(
    in queue: borrowing WaitQueue, under lock: borrowing SpinLock, for source: Unmanaged<OperationSource>,
    slot: UnsafeMutableRawPointer
  ) -> Verdict {
    let offer = ownOffer
    offer.pointee.source = source
    offer.pointee.slot = slot
    queue.append(offer)
    startWaiting()
    lock.unlock()
    parkUnlessCancelled(offer, 1)
    if pointee.wait.verdict == .cancelled { lock.withLock { queue.remove(offer) } }
    return pointee.wait.verdict
  }

  /// Parks the performer, whose offers are linked, until another thread commits it, possibly by a cancellation.
  @inline(__always)
  func parkUnlessCancelled(_ offers: OfferRef, _ count: Int) {
    pointee.wait.offers = offers
    // A dump on another thread reads the offers after this.
    pointee.wait.offerCount.store(Int32(truncatingIfNeeded: count), ordering: .releasing)
    Self.fenceAfterEnlisting()
    if isMarkedCancelled, commitSelf() {
      noteCancellation()
    } else {
      Worker.suspend(self)
    }
    endLook()
    pointee.wait.offerCount.store(0, ordering: .relaxed)
  }

  /// Tells the performer, which the caller has just committed, that no branch has won.
  func noteCancellation() {
    pointee.wait.winner = -1
    pointee.wait.verdict = .cancelled
  }

  /// Orders the linked offers before the check of the scope's mark, as `cancel` orders its mark before the check for
  /// waiting performers: at least one of the two sees the other (Dekker).
  ///
  /// Enlisting took a lock, and on x86-64 that exchange is a full barrier already.
  @inline(__always)
  private static func fenceAfterEnlisting() {
    #if !arch(x86_64)
      fullFence()
    #endif
  }
}
