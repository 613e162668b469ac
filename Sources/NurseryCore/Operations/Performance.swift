import CSwitch
import Synchronization

/// One perform of an operation with several leaves or values of its own: the leaves, laid out in the performer's frame.
///
/// The order of events:
///
///     check cancellation -> (guards have run) -> poll every leaf once -> enlist the user's waiters -> leave an offer for every
///       leaf -> check cancellation again -> park -> [a committer sets winner and verdict, makes us ready]
///       -> withdraw the losers' offers -> withdraw the user's waiters -> fire the nacks of the losers -> take the value, run the wraps
///
/// The second check closes the race with `cancel`: see `fenceAfterEnlisting`. Code of the user's (guards, primitives,
/// nacks, wraps) runs before the first offer is left or after the perform has been settled, never in between, so it may
/// perform operations of its own.
///
/// A single leaf needs none of this: see `Op+Perform`.
@usableFromInline
package struct Performance: ~Copyable {
  /// Calls a loser's abandonment exactly once.
  @usableFromInline
  struct Region {
    /// The leaves it covers.
    @usableFromInline let leaves: Range<Int>
    @usableFromInline let abandon: () -> Void

    @usableFromInline
    init(leaves: Range<Int>, abandon: @escaping () -> Void) {
      self.leaves = leaves
      self.abandon = abandon
    }
  }

  @usableFromInline let me: FiberRef
  @usableFromInline let offers: OfferRef
  @usableFromInline let slot: UnsafeMutableRawPointer
  /// The first leaves, if they are laid out when they are needed: of a choice that is ready most are not.
  @usableFromInline var leaves: Leaves?
  @usableFromInline var count = 0
  /// How many of the leaves are timeouts of operations.
  @usableFromInline var timeoutCount = 0
  /// How many choices around are being collected, and whether the next leaf belongs to a fair one; see
  /// `Performance+Choice`.
  @usableFromInline var choiceDepth = 0
  @usableFromInline var isInFairChoice = false
  /// Whether one of the leaves retries on this fiber, and so has to be tried before it waits.
  @usableFromInline var hasAttempts = false
  /// Whether one of the leaves is a primitive of the user's; see `Enlistment`.
  @usableFromInline var hasPrimitives = false
  /// How many leaves a suspended task has enlisted.
  var enlistedCount = 0
  /// How the winning leaf ended.
  @usableFromInline var verdict = Verdict.value
  /// The leaf that committed, in the order the leaves are written.
  @usableFromInline var winner = -1
  /// Retained, while the primitives have waiters.
  @usableFromInline var enlistment: Unmanaged<Enlistment>?
  /// The runs of leaves that keep their order in the fair choice that is being collected; behind a pointer as the
  /// regions are.
  @usableFromInline var runs: UnsafeMutablePointer<[Range<Int>]>?
  /// Behind a pointer, so that a perform without them counts no references.
  @usableFromInline var regions: UnsafeMutablePointer<[Region]>?

  /// Values up to this size pass through a slot on the stack.
  @usableFromInline static var inlineSlotSize: Int { 64 }
  /// Up to so many leaves are laid out on the stack.
  @usableFromInline static var inlineLeafCount: Int { 8 }

  /// How large a slot a value of this type needs.
  ///
  /// Only the heap provides alignment beyond 16.
  @inlinable
  static func slotSize<Value>(for type: Value.Type) -> Int {
    MemoryLayout<Value>.alignment > 16 ? max(MemoryLayout<Value>.size, inlineSlotSize + 1) : MemoryLayout<Value>.size
  }

  @inlinable
  init(_ me: FiberRef, offers: OfferRef, slot: UnsafeMutableRawPointer) {
    self.me = me
    self.offers = offers
    self.slot = slot
  }

  /// Lays a perform out: on the stack, or on the heap if it is a very wide choice or has a very large value.
  @inlinable
  @inline(__always)
  static func withLeaves<Result>(
    _ leafCount: Int, slotSize: Int, of me: FiberRef, _ body: (inout Performance) throws -> Result
  ) throws -> Result {
    try _withUnprotectedUnsafeTemporaryAllocation(of: Offer.self, capacity: 8) { offers in
      try _withUnprotectedUnsafeTemporaryAllocation(byteCount: inlineSlotSize, alignment: 16) { slot in
        // Once, so that the body is inlined here.
        let isLarge = leafCount > inlineLeafCount || slotSize > inlineSlotSize
        var performance = Performance(
          me, offers: isLarge ? .allocate(capacity: leafCount) : offers.baseAddress!,
          slot: isLarge ? .allocate(byteCount: max(slotSize, 16), alignment: 64) : slot.baseAddress!)
        defer { if isLarge { performance.deallocate() } }
        return try body(&performance)
      }
    }
  }

  @usableFromInline
  func deallocate() {
    offers.deallocate()
    slot.deallocate()
  }

  /// Adds a leaf; they are polled in the order of these calls.
  @usableFromInline
  mutating func add(_ source: Unmanaged<OperationSource>, argument: UInt = 0, index: Int) {
    (offers + count).initialize(
      to: Offer(me, source, argument: argument, index: Int32(truncatingIfNeeded: index), slot: slot))
    count += 1
  }

  @usableFromInline
  mutating func add(_ source: OperationSource, argument: UInt = 0, index: Int) {
    add(.passUnretained(source), argument: argument, index: index)
  }

  /// Adds the leaves of a choice if they can be laid out when they are needed: the choice is the first, and in no other.
  @inlinable
  @inline(__always)
  mutating func addsLater(_ leaves: Leaves) -> Bool {
    guard count == 0, choiceDepth == 0 else { return false }
    self.leaves = leaves
    count = leaves.count
    return true
  }

  @inline(__always)
  func layOut(_ index: Int, of leaves: Leaves) {
    let leaf = leaves[index]
    (offers + index).initialize(
      to: Offer(me, leaf.source, argument: leaf.argument, index: Int32(truncatingIfNeeded: index), slot: slot))
  }

  /// Adds the timer of an operation's timeout, behind the operation's own leaves.
  @usableFromInline
  mutating func addTimer(_ nanoseconds: Int64, index: Int) {
    add(TimerOperation.relative, argument: UInt(bitPattern: Int(nanoseconds)), index: index)
    (offers + (count - 1)).pointee.isTimeout = true
    timeoutCount += 1
  }

  /// Adds a leaf that is tried on this fiber.
  mutating func addAttempt(_ source: OperationSource, index: Int) {
    add(source, index: index)
    hasAttempts = true
  }

  /// Adds a leaf that is a primitive of the user's.
  mutating func addPrimitive(_ source: OperationSource, index: Int) {
    add(source, index: index)
    hasPrimitives = true
  }

  /// Adds what is called unless one of its leaves commits.
  @usableFromInline
  mutating func add(_ region: Region) {
    if regions == nil {
      regions = .new([])
    }
    regions!.pointee.append(region)
  }

  @inline(__always)
  func layOutLeaves() {
    guard let leaves else { return }
    for leaf in 0..<leaves.count { layOut(leaf, of: leaves) }
  }
}
