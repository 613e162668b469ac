/// A perform is laid out in the performer's frame in one of two ways: as a leaf, perhaps with a timeout, or as a
/// `Performance`.
///
/// Written without closures that capture the operation: each copy of it would count references.
extension Op {
  /// Performs an operation that is a single leaf, perhaps with a timeout.
  @inlinable
  @inline(__always)
  func performLeaf() throws -> Value {
    // The offers do not count their references to what they wait on.
    defer { withExtendedLifetime(self) {} }
    return try _withUnprotectedUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { slot in
      let verdict = Performer.commitLeaf(
        .passUnretained(source), argument: argument, timeout: timeout.nanoseconds,
        slot: UnsafeMutableRawPointer(slot.baseAddress!))
      if verdict != .value { try finish(verdict, into: UnsafeMutableRawPointer(slot.baseAddress!)) }
      return slot.baseAddress!.move()
    }
  }

  /// Puts the leaf's value into the slot, or throws why it has none.
  @inlinable
  @inline(never)
  func finish(_ verdict: Verdict, into slot: UnsafeMutableRawPointer) throws {
    switch verdict {
    case .cancelled: throw CancellationError()
    case .timedOut: throw timeout.error()
    default: try source.finish(verdict, argument: argument, into: slot)
    }
  }

  /// Performs any operation.
  @inlinable
  @inline(never)
  func performGeneral() throws -> Value {
    if needsResolution { return try performResolved() }
    defer { withExtendedLifetime(self) {} }
    if timeout.isNone, let leaves = source.known(as: ValueSource<Value>.self).leaves { return try perform(leaves) }
    return try Performance.withLeaves(leafCount, slotSize: slotSize, of: Performer.enter()) { performance in
      collect(&performance, from: 0)
      try performance.commit()
      return try take(&performance, from: 0)
    }
  }
}

extension Op {
  /// Performs a choice of leaves, which this operation is.
  @inlinable
  @inline(__always)
  func perform(_ leaves: Leaves) throws -> Value {
    try Performance.withLeaves(leaves.count, slotSize: source.slotSize, of: Performer.enter()) { performance in
      _ = performance.addsLater(leaves)
      try performance.commit()
      if source.leavesValue, performance.verdict == .value {
        return performance.slot.assumingMemoryBound(to: Value.self).move()
      }
      let source = source.known(as: ValueSource<Value>.self)
      return try source.take(source, &performance, 0)
    }
  }
}

extension Performer {
  /// Commits a leaf, unless its timeout is over or the scope is cancelled first.
  ///
  /// - Parameter timeout: in nanoseconds; `.max` for none.
  @usableFromInline
  @inline(never)
  static func commitLeaf(
    _ source: Unmanaged<OperationSource>, argument: UInt, timeout: Int64, slot: UnsafeMutableRawPointer
  ) -> Verdict {
    let me = enter()
    if me.isCancelled { return .cancelled }
    return _withUnprotectedUnsafeTemporaryAllocation(of: Offer.self, capacity: 2) { offers in
      var offer = offers.baseAddress!
      if timeout == .max {
        offer = me.ownOffer
        offer.pointee.source = source
        offer.pointee.argument = argument
        offer.pointee.slot = slot
      } else {
        offer.initialize(to: Offer(me, source, argument: argument, index: 0, slot: slot))
      }
      me.beginEnlisting()
      if !me.endsEnlisting(source._withUnsafeGuaranteedRef { $0.attempt(offer, .enlistAlone) }) {
        if timeout == .max { me.parkUnlessCancelled(offer, 1) } else { me.park(offer, within: timeout) }
        me.endWait(offer, source)
      }
      return me.pointee.wait.verdict
    }
  }
}

extension FiberRef {
  /// After the attempt to enlist the only offer of a perform: whether it has committed, and the performer does not
  /// wait.
  @usableFromInline @inline(__always)
  func endsEnlisting(_ answer: OperationSource.Answer) -> Bool {
    if answer == .committed {
      endEnlisting()
      return true
    }
    if Claim.state(pointee.claim.load(ordering: .relaxed)) == Claim.claimed {
      startWaiting()
      fullFence()
    }
    return false
  }

  /// After the wakeup from a wait for a leaf.
  @usableFromInline @inline(__always)
  func endWait(_ offer: OfferRef, _ source: Unmanaged<OperationSource>) {
    if pointee.wait.winner != 0 || source._withUnsafeGuaranteedRef({ $0.keepsAccount }) { withdraw(offer) }
  }

  /// Parks the performer, whose offer is linked, until it is committed or the time is over.
  ///
  /// - Parameter offer: the first of two; the second becomes the timer.
  @inline(__always)
  fileprivate func park(_ offer: OfferRef, within nanoseconds: Int64) {
    let timer = offer + 1
    switch TimerOperation.enlist(timer, for: self, index: 1, after: nanoseconds) {
    case .pending:
      parkUnlessCancelled(offer, 2)
      if pointee.wait.winner != 1 { return TimerOperation.withdraw(timer) }
    case .committed: break
    case .lost:
      Worker.suspend(self)
      if pointee.wait.winner != 1 { return }
    }
    pointee.wait.verdict = .timedOut
  }

  /// Withdraws the offer of a leaf that has not won, or keeps account.
  @inline(never)
  fileprivate func withdraw(_ offer: OfferRef) {
    offer.pointee.source._withUnsafeGuaranteedRef { source in
      source.withdraw(offer)
      if pointee.wait.verdict == .cancelled, source.outlastsCancellation { pointee.wait.verdict = .value }
    }
  }
}
