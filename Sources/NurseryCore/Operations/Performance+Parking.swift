extension FiberRef {
  /// Parks the performer, whose offers stand, until somebody commits it: perhaps its scope's cancellation.
  @usableFromInline
  @inline(never)
  func parkUnlessCancelled(_ offer: OfferRef) { parkUnlessCancelled(offer, 1) }

  @inline(__always)
  func parkUnlessCancelled(_ offers: OfferRef, _ count: Int) {
    pointee.offers = offers
    pointee.offerCount.store(Int32(truncatingIfNeeded: count), ordering: .relaxed)
    Self.fenceAfterEnlisting()
    if isMarkedCancelled, commitSelf() {
      pointee.winner = -1
    } else {
      Worker.suspend(self)
    }
    pointee.offerCount.store(0, ordering: .relaxed)
  }

  /// Orders "my offers stand" before "is my scope cancelled?", as `cancel` orders its mark before "does he wait?": one
  /// of the two sees the other (Dekker).
  ///
  /// Enlisting took a lock, and on x86-64 that exchange is a full barrier already.
  @inline(__always)
  private static func fenceAfterEnlisting() {
    #if !arch(x86_64)
      fullFence()
    #endif
  }
}
