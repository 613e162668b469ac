/// Performs are laid out on the stack; only very wide choices and very large values need the heap.
///
/// Written without closures that capture the operation: each copy of it would count references.
extension Op {
  /// Performs an operation that is a single leaf, perhaps with a limit.
  @inlinable
  @inline(__always)
  func performLeaf() throws -> Value {
    // The offers do not count their references to what they wait on.
    defer { withExtendedLifetime(self) {} }
    return try withUnsafeTemporaryAllocation(of: Offer.self, capacity: 2) { offers in
      try withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { slot in
        let end = Performance.commitLeaf(
          .passUnretained(source), argument: argument, limit: limit.nanoseconds, offers.baseAddress!,
          UnsafeMutableRawPointer(slot.baseAddress!))
        guard end.winner == 0, end.verdict == .value else { throw failure(of: end) }
        if source.delivery == .slot { return slot.baseAddress!.move() }
        return try FiberCore<Value>(unsafeDowncast(source, to: FiberBody.self)).outcome()
      }
    }
  }

  /// Why a leaf has no value.
  @inlinable
  @inline(never)
  func failure(of end: Performance.End) -> any Error {
    switch end.winner {
    case ..<0: CancellationError()
    case 0: source.failure(end.verdict, argument: argument)
    default: limit.error()
    }
  }

  /// Performs an operation that combines others.
  @inlinable
  @inline(never)
  func performComputed() throws -> Value {
    if needsResolution { return try performResolved() }
    defer { withExtendedLifetime(self) {} }
    if source.delivery == .arms, limit.isNone, leafCount <= Performance.inlineLeafCount {
      let choice = unsafeDowncast(source, to: ChoiceOperation<Value>.self)
      return try Self.performArms(choice.arms, isBiased: choice.isBiased)
    }
    if leafCount <= Performance.inlineLeafCount, slotSize <= Performance.inlineSlotSize {
      return try Performance.withInlineSlot(Performer.enter()) { try commit(&$0) }
    }
    var performance = Performance(Performer.enter(), leafCount: leafCount, slotSize: slotSize)
    defer { performance.deallocate() }
    return try commit(&performance)
  }

  /// Performs a choice of plain arms, at most eight.
  @inlinable
  @inline(__always)
  static func performArms(_ arms: [Op<Value>], isBiased: Bool) throws -> Value {
    defer { withExtendedLifetime(arms) {} }
    return try withUnsafeTemporaryAllocation(of: Offer.self, capacity: 8) { offers in
      try withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { slot in
        let end = arms.withArms {
          Performance.commitArms(
            $0, isBiased: isBiased, offers.baseAddress!, UnsafeMutableRawPointer(slot.baseAddress!))
        }
        if end.winner >= 0, end.verdict == .value { return slot.baseAddress!.move() }
        if end.winner < 0 { throw CancellationError() }
        throw arms[Int(end.winner)].failure(of: Performance.End(winner: 0, verdict: end.verdict))
      }
    }
  }

  @inlinable
  @inline(__always)
  func commit(_ performance: inout Performance) throws -> Value {
    collect(&performance, from: 0)
    try performance.commit()
    return try take(&performance, from: 0)
  }
}

extension Performance {
  /// Up to so many leaves are laid out on the stack.
  @usableFromInline static var inlineLeafCount: Int { 8 }

  @inlinable
  @inline(__always)
  static func withInlineSlot<Result>(
    _ me: FiberRef, _ body: (inout Performance) throws -> Result
  ) throws -> Result {
    try withUnsafeTemporaryAllocation(of: Offer.self, capacity: 8) { offers in
      try withUnsafeTemporaryAllocation(byteCount: inlineSlotSize, alignment: 16) { slot in
        var performance = Performance(me, offers: offers.baseAddress!, slot: slot.baseAddress!)
        return try body(&performance)
      }
    }
  }

  /// Lays out a perform on the heap.
  @usableFromInline
  init(_ me: FiberRef, leafCount: Int, slotSize: Int) {
    self.init(
      me, offers: .allocate(capacity: leafCount), slot: .allocate(byteCount: max(slotSize, 16), alignment: 64))
  }

  @usableFromInline
  func deallocate() {
    offers.deallocate()
    slot.deallocate()
  }

  /// How a perform has ended; no leaf has won if a cancellation has.
  @usableFromInline
  struct End {
    @usableFromInline let winner: Int32
    @usableFromInline let verdict: Verdict

    @inlinable
    init(winner: Int32, verdict: Verdict) {
      self.winner = winner
      self.verdict = verdict
    }
  }

  /// Commits a single leaf or the timer of its limit.
  @usableFromInline
  @inline(never)
  static func commitLeaf(
    _ source: Unmanaged<OperationSource>, argument: UInt, limit: Int64, _ offers: OfferRef,
    _ slot: UnsafeMutableRawPointer
  ) -> End {
    var performance = Performance(Performer.enter(), offers: offers, slot: slot)
    performance.add(source, argument: argument, index: 0)
    if limit != .max { performance.addTimer(limit, index: 1) }
    let isCommitted = !performance.me.isCancelled && performance.enlistAndPark()
    return performance.end(isCommitted: isCommitted)
  }

  /// Commits one of several plain leaves, at most eight.
  @usableFromInline
  @inline(never)
  static func commitArms(
    _ arms: Arms, isBiased: Bool, _ offers: OfferRef, _ slot: UnsafeMutableRawPointer
  ) -> End {
    let me = Performer.enter()
    var performance = Performance(me, offers: offers, slot: slot)
    performance.add(arms, isBiased: isBiased, index: 0)
    let isCommitted =
      !me.isCancelled && (arms.count > 1 && performance.poll(.poll) || performance.layOutAndEnlist())
    return performance.end(isCommitted: isCommitted)
  }

  @inline(__always)
  private func end(isCommitted: Bool) -> End {
    End(winner: isCommitted ? Int32(truncatingIfNeeded: winner) : -1, verdict: verdict)
  }
}
