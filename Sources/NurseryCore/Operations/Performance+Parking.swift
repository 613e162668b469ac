extension FiberRef {
  /// Parks the performer, whose offers are linked, until another thread commits it, possibly by a cancellation.
  @usableFromInline
  @inline(never)
  func parkUnlessCancelled(_ offer: OfferRef) { parkUnlessCancelled(offer, 1) }

  @inline(__always)
  func parkUnlessCancelled(_ offers: OfferRef, _ count: Int) {
    pointee.wait.offers = offers
    pointee.wait.offerCount.store(Int32(truncatingIfNeeded: count), ordering: .relaxed)
    Self.fenceAfterEnlisting()
    if isMarkedCancelled, commitSelf() {
      pointee.wait.winner = -1
    } else {
      Worker.suspend(self)
    }
    pointee.wait.offerCount.store(0, ordering: .relaxed)
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
