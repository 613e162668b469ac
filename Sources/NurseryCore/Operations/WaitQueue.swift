import Synchronization

/// The offers that wait at one end of a channel, at a condition or at a fiber, first come, first served.
///
/// An intrusive list through offers in the waiters' records or on their stacks: no allocation, and removal in constant
/// time wherever the offer stands. Every method is called under the owner's lock.
///
/// Its ends are atomic only so that it can be a constant: then no access to it is open while a performer waits here.
@usableFromInline
package struct WaitQueue: ~Copyable {
  @usableFromInline let firstOffer = Atomic<OfferRef?>(nil)
  @usableFromInline let lastOffer = Atomic<OfferRef?>(nil)

  @inlinable
  init() {}

  @inlinable
  var isEmpty: Bool { first == nil }

  /// How many offers are linked.
  var count: Int {
    var count = 0
    var next = first
    while let offer = next {
      count += 1
      next = offer.pointee.next
    }
    return count
  }

  @inlinable
  var first: OfferRef? {
    get { firstOffer.load(ordering: .relaxed) }
    nonmutating set { firstOffer.store(newValue, ordering: .relaxed) }
  }

  @inlinable
  var last: OfferRef? {
    get { lastOffer.load(ordering: .relaxed) }
    nonmutating set { lastOffer.store(newValue, ordering: .relaxed) }
  }

  @inline(__always)
  func append(_ offer: OfferRef) {
    offer.pointee.previous = last
    offer.pointee.next = nil
    offer.pointee.isLinked = true
    if let last { last.pointee.next = offer } else { first = offer }
    last = offer
  }

  /// Leaves the offer here until another thread commits its performer or the performer withdraws it.
  @usableFromInline
  func enlist(_ offer: OfferRef, _ attempt: OperationSource.Attempt) {
    append(offer)
    if attempt == .enlistAlone { offer.pointee.performer.startWaiting() }
  }

  /// Unlinks the offer if it is linked still.
  @usableFromInline
  func remove(_ offer: OfferRef) {
    guard offer.pointee.isLinked else { return }
    let next = offer.pointee.next
    let previous = offer.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
    offer.pointee.isLinked = false
  }

  /// Unlinks the first offer.
  @inlinable @inline(__always)
  func removeFirst(_ offer: OfferRef) {
    first = offer.pointee.next
    if let next = offer.pointee.next { next.pointee.previous = nil } else { last = nil }
    offer.pointee.isLinked = false
  }

  /// Commits the first offer whose performer is not yet committed, and unlinks it; `performer` needs no commitment.
  ///
  /// The caller must then call `resume`, or `win` and `makeReady`. Offers whose performers are committed already are
  /// unlinked on the way; an offer of `performer` itself is skipped, so a choice never meets itself.
  @inlinable @inline(__always)
  func claimFirst(for performer: FiberRef) -> OfferRef? {
    guard let offer = first else { return nil }
    if offer.pointee.performer == performer || !offer.pointee.performer.commitsAtOnce() {
      var lost = false
      return claimFirstSlowly(for: performer, published: false, lost: &lost)
    }
    removeFirst(offer)
    return offer
  }

  /// As `claimFirst(for:)`, for any first offer; if `published`, the performer is committed together with the waiter.
  ///
  /// - Parameter lost: set when `performer` itself has been committed meanwhile.
  @usableFromInline
  @inline(never)
  func claimFirstSlowly(for performer: FiberRef, published: Bool, lost: inout Bool) -> OfferRef? {
    var candidate = first
    while let offer = candidate {
      candidate = offer.pointee.next
      let waiter = offer.pointee.performer
      if waiter == performer { continue }
      switch published ? performer.claim(waiter) : waiter.commit() ? .claimed : .gone {
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

  /// Either of the two, for a performer that may have offers out.
  @inlinable @inline(__always)
  func claimFirst(for performer: FiberRef, published: Bool, lost: inout Bool) -> OfferRef? {
    published ? claimFirstSlowly(for: performer, published: true, lost: &lost) : claimFirst(for: performer)
  }

  /// Commits and wakes every waiter, in the order they came; what `close` and a broadcast do.
  ///
  /// An only waiter runs next.
  ///
  /// - Returns: the tasks among them, which the caller resumes when it has unlocked.
  @inline(__always)
  func wakeAll(_ verdict: Verdict = .value) -> WokenTasks {
    isEmpty ? WokenTasks() : wakeWaiters(verdict)
  }

  @inline(never)
  private func wakeWaiters(_ verdict: Verdict) -> WokenTasks {
    if let only = first, only == last, only.pointee.performer.pointee.kind != .task {
      removeFirst(only)
      only.commitFromOutside(verdict)?.makeReadyInline(.next)
      return WokenTasks()
    }
    return wakeMany(verdict)
  }

  @inline(never)
  private func wakeMany(_ verdict: Verdict) -> WokenTasks {
    var tasks = WokenTasks()
    while let offer = first {
      removeFirst(offer)
      if let performer = offer.commitFromOutside(verdict) { tasks.makeReady(performer, .last) }
    }
    return tasks
  }
}
