/// The offers that wait at one end of a channel, at a condition or at a fiber, first come, first served.
///
/// An intrusive list through offers in the waiters' records or on their stacks: no allocation, and removal in constant time
/// wherever the offer stands. Every method is called under the owner's lock.
@usableFromInline
package struct WaitQueue: ~Copyable {
  @usableFromInline var first: OfferRef?
  @usableFromInline var last: OfferRef?

  @inlinable
  init() {}

  @inlinable
  var isEmpty: Bool { first == nil }

  @usableFromInline
  mutating func append(_ offer: OfferRef) { appendInline(offer) }

  @inline(__always)
  mutating func appendInline(_ offer: OfferRef) {
    offer.pointee.previous = last
    offer.pointee.next = nil
    offer.pointee.isLinked = true
    if let last { last.pointee.next = offer } else { first = offer }
    last = offer
  }

  /// Leaves the offer here until another thread commits its performer or the performer withdraws it.
  @usableFromInline
  mutating func enlist(_ offer: OfferRef, _ attempt: OperationSource.Attempt) {
    append(offer)
    if attempt == .enlistAlone { offer.pointee.performer.startWaiting() }
  }

  /// Unlinks the offer if it is linked still.
  @usableFromInline
  mutating func remove(_ offer: OfferRef) {
    guard offer.pointee.isLinked else { return }
    let next = offer.pointee.next
    let previous = offer.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
    offer.pointee.isLinked = false
  }

  /// Commits the first offer whose performer is not yet committed, together with `performer`, and unlinks it.
  ///
  /// The caller must then call `win` and `makeReady` for the winner's performer. Offers whose performers are committed
  /// already are unlinked on the way; an offer of `performer` itself is skipped, so a choice never meets itself.
  ///
  /// - Parameter lost: set when `performer` itself has been committed meanwhile.
  @usableFromInline
  mutating func claimFirst(for performer: FiberRef, published: Bool, lost: inout Bool) -> OfferRef? {
    var candidate = first
    while let offer = candidate {
      candidate = offer.pointee.next
      if offer.pointee.performer == performer { continue }
      switch performer.claim(offer.pointee.performer, published: published) {
      case .claimed:
        remove(offer)
        return offer
      case .gone:
        remove(offer)
      case .lost:
        lost = true
        return nil
      }
    }
    return nil
  }

  /// Unlinks the offer if there is only one.
  @inline(__always)
  mutating func popOnly() -> OfferRef? {
    guard let only = first, only == last else { return nil }
    only.pointee.isLinked = false
    first = nil
    last = nil
    return only
  }

  /// Commits and wakes every waiter, in the order they came; what `close` and a broadcast do.
  ///
  /// An only waiter runs next.
  @usableFromInline
  mutating func wakeAll(_ verdict: Verdict = .value) {
    if let only = popOnly() {
      _ = only.commitFromOutside(verdict, .next)
      return
    }
    while let offer = first {
      remove(offer)
      _ = offer.commitFromOutside(verdict)
    }
  }
}
