/// Performs are laid out on the stack; only very wide choices and very large values need the heap.
///
/// Written out for `perform` and `poll`, without closures that capture the operation: each copy of it would count references.
extension Op {
  /// Whether a perform needs at most two offers and a small slot.
  @inlinable var isNarrow: Bool { leafCount <= 2 && slotSize <= Performance.inlineSlotSize }
  @inlinable var isOfModerateWidth: Bool { leafCount <= 8 && slotSize <= Performance.inlineSlotSize }

  @inlinable
  @inline(__always)
  func perform(laidOutIn offers: OfferRef) throws -> Value {
    try Performance.withInlineSlot(Performer.enter(), offers) { try commit(&$0) }
  }

  @inlinable
  @inline(__always)
  func poll(laidOutIn offers: OfferRef) throws -> Value? {
    try Performance.withInlineSlot(Performer.current(), offers) { try commitIfReady(&$0) }
  }

  @inlinable
  @inline(never)
  func performWide() throws -> Value {
    if isOfModerateWidth {
      return try withUnsafeTemporaryAllocation(of: Offer.self, capacity: 8) { offers in
        try perform(laidOutIn: offers.baseAddress!)
      }
    }
    var performance = Performance(Performer.enter(), leafCount: leafCount, slotSize: slotSize)
    defer { performance.deallocate() }
    return try commit(&performance)
  }

  @inlinable
  @inline(never)
  func pollWide() throws -> Value? {
    if isOfModerateWidth {
      return try withUnsafeTemporaryAllocation(of: Offer.self, capacity: 8) { offers in
        try poll(laidOutIn: offers.baseAddress!)
      }
    }
    var performance = Performance(Performer.current(), leafCount: leafCount, slotSize: slotSize)
    defer { performance.deallocate() }
    return try commitIfReady(&performance)
  }

  @inlinable
  @inline(__always)
  func commit(_ performance: inout Performance) throws -> Value {
    // The leaves do not count their references to what they wait on.
    defer { withExtendedLifetime(self) {} }
    collect(&performance, from: 0)
    try performance.commit()
    return try take(&performance, from: 0)
  }

  @inlinable
  @inline(__always)
  func commitIfReady(_ performance: inout Performance) throws -> Value? {
    defer { withExtendedLifetime(self) {} }
    collect(&performance, from: 0)
    guard try performance.commitIfReady() else { return nil }
    return try take(&performance, from: 0)
  }
}

extension Performance {
  @inlinable
  @inline(__always)
  static func withInlineSlot<Result>(
    _ me: FiberRef, _ offers: OfferRef, _ body: (inout Performance) throws -> Result
  ) throws -> Result {
    try withUnsafeTemporaryAllocation(byteCount: inlineSlotSize, alignment: 16) { slot in
      var performance = Performance(me, offers: offers, slot: slot.baseAddress!)
      return try body(&performance)
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
}
