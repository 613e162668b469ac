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
  /// The arms of the first leaves, which are laid out when they are needed: of a choice that is ready most are not.
  ///
  /// They stay where they are: the choice holds its array, and the operation the choice.
  @usableFromInline var arms: UnsafePointer<Arm>?
  @usableFromInline var armCount = 0
  @usableFromInline var count = 0
  /// How many of the leaves are timeouts of operations.
  @usableFromInline var timeoutCount = 0
  /// How many choices around are being collected, and whether the next leaf belongs to a fair one; see
  /// `Performance+Choice`.
  @usableFromInline var choiceDepth = 0
  @usableFromInline var isInFairChoice = false
  /// Whether the arms are asked in their order.
  @usableFromInline var areArmsBiased = false
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

  /// The most arms that are laid out when they are needed.
  @usableFromInline static var mostArms: Int { 64 }

  /// Adds plain arms of a choice if they can be laid out when they are needed: the choice is the first, and in no
  /// other.
  @inlinable
  @inline(__always)
  mutating func addsLater(_ arms: Arms, isBiased: Bool) -> Bool {
    guard count == 0, choiceDepth == 0, arms.count <= Self.mostArms else { return false }
    self.arms = arms.baseAddress
    armCount = arms.count
    areArmsBiased = isBiased
    count = arms.count
    return true
  }

  @inline(__always)
  private func layOutArm(_ arm: Int, _ arms: UnsafePointer<Arm>) {
    (offers + arm).initialize(
      to: Offer(
        me, arms[arm].source, argument: arms[arm].argument, index: Int32(truncatingIfNeeded: arm), slot: slot))
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

  // MARK: Committing

  /// Commits exactly one leaf, waiting for it if need be.
  ///
  /// - Throws: `CancellationError` if the scope is or gets cancelled first; then no leaf has committed.
  @usableFromInline
  @inline(never)
  mutating func commit() throws {
    let isCommitted = !me.isCancelled && (isPolledFirst && poll(.poll) || layOutAndEnlist())
    abandon()
    if !isCommitted { throw CancellationError() }
  }

  /// A single operation is not, whatever its timeouts: it is enlisted before they are looked at.
  @inline(__always)
  var isPolledFirst: Bool { count &- timeoutCount > 1 || hasAttempts || hasPrimitives }

  /// Commits a leaf that is ready now; false if there is none, and then every branch is abandoned.
  @usableFromInline
  mutating func commitIfReady() throws -> Bool {
    if me.isCancelled {
      abandon()
      throw CancellationError()
    }
    let committed = poll(.poll) || poll(.pollLate)
    abandon()
    return committed
  }

  @inline(__always)
  mutating func poll(_ attempt: OperationSource.Attempt) -> Bool {
    if let arms, pollArms(arms, attempt) { return true }
    for leaf in armCount..<count where mayCommit((offers + leaf).pointee.source) {
      guard ask(leaf, attempt) == .committed else { continue }
      settle()
      return true
    }
    return false
  }

  /// Asks the arms that may be ready; of a fair choice each of them is as likely as any other to be the next.
  @inline(__always)
  private mutating func pollArms(_ arms: UnsafePointer<Arm>, _ attempt: OperationSource.Attempt) -> Bool {
    var candidates: UInt64 = 0
    var count = 0
    for arm in 0..<armCount where mayCommit(arms[arm].source) {
      candidates |= 1 &<< UInt64(truncatingIfNeeded: arm)
      count &+= 1
    }
    if candidates == 0, !me.decidesBranches { return false }
    return pollArms(arms, candidates, count, attempt)
  }

  @inline(__always)
  private mutating func pollArms(
    _ arms: UnsafePointer<Arm>, _ candidates: UInt64, _ count: Int, _ attempt: OperationSource.Attempt
  ) -> Bool {
    var candidates = candidates
    var count = count
    var isOrdered = areArmsBiased
    if !isOrdered, me.decidesBranches, armCount > 1 {
      // Every arm can be the first, in as few schedules as that takes.
      isOrdered = true
      let arm = me.firstBranch(of: armCount)
      let later = candidates & (~0 << UInt64(arm))
      if later != 0, pollOrdered(arms, later, attempt) { return true }
      candidates ^= later
    }
    while candidates != 0 {
      var others = candidates
      if !isOrdered, count > 1 {
        for _ in 0..<me.randomIndex(below: count) { others &= others &- 1 }
      }
      let arm = others.trailingZeroBitCount
      candidates &= ~(1 &<< UInt64(truncatingIfNeeded: arm))
      count &-= 1
      if pollArm(arm, arms, attempt) { return true }
    }
    return false
  }

  @inline(never)
  private mutating func pollOrdered(
    _ arms: UnsafePointer<Arm>, _ candidates: UInt64, _ attempt: OperationSource.Attempt
  ) -> Bool {
    for arm in 0..<armCount where candidates & (1 &<< UInt64(truncatingIfNeeded: arm)) != 0 {
      if pollArm(arm, arms, attempt) { return true }
    }
    return false
  }

  @inline(__always)
  private mutating func pollArm(_ arm: Int, _ arms: UnsafePointer<Arm>, _ attempt: OperationSource.Attempt) -> Bool {
    layOutArm(arm, arms)
    guard ask(arm, attempt) == .committed else { return false }
    settle()
    return true
  }

  @inline(__always)
  private func mayCommit(_ source: Unmanaged<OperationSource>) -> Bool {
    source._withUnsafeGuaranteedRef { $0.mayCommit?.pointee.load(ordering: .relaxed) ?? true }
  }

  @inline(__always)
  private func ask(_ leaf: Int, _ attempt: OperationSource.Attempt) -> OperationSource.Answer {
    (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.attempt(offers + leaf, attempt) }
  }

  /// False if the cancellation won.
  @inline(__always)
  private mutating func layOutAndEnlist() -> Bool {
    layOutArms()
    return enlistAndPark() && (verdict != .again || tryAgain())
  }

  @inline(__always)
  func layOutArms() {
    guard let arms else { return }
    for arm in 0..<armCount { layOutArm(arm, arms) }
  }

  /// All leaves are laid out by now, and stay so: a timer goes by the deadline that it had.
  @inline(__always)
  mutating func layNoArms() {
    arms = nil
    armCount = 0
  }

  /// Goes on after a leaf has been told to try again; false if the cancellation won.
  @inline(never)
  private mutating func tryAgain() -> Bool {
    layNoArms()
    repeat {
      if me.isCancelled {
        winner = -1
        return commitBegun()
      }
      if poll(.poll) { return true }
      guard enlistAndPark() else { return false }
    } while verdict == .again
    return true
  }

  /// Leaves an offer for every leaf and waits until one commits, or is to be tried again; false if the cancellation
  /// won.
  ///
  /// Inlined, as is the parking: see `Worker.suspend`.
  @inline(__always)
  private mutating func enlistAndPark() -> Bool {
    switch enlist() {
    case .ended(let isCommitted): return isCommitted
    case .lost(let leaf):
      waitForWakeup()
      return endWait(upTo: leaf)
    case .waits:
      me.parkUnlessCancelled(offers, count)
      return endWait(upTo: count)
    }
  }

  /// What leaving the offers has led to.
  enum Enlisted {
    /// A leaf has committed or is to be tried again; false if the cancellation won.
    case ended(Bool)
    /// Another thread has committed the perform when so many leaves were enlisted; a wakeup is on its way.
    case lost(Int)
    /// All leaves are enlisted; a wakeup comes when one commits.
    case waits
  }

  /// Leaves an offer for every leaf, unless one commits.
  @inline(__always)
  mutating func enlist() -> Enlisted {
    var published = false
    if hasPrimitives {
      if let isCommitted = openWithWaiters() { return .ended(isCommitted || commitBegun()) }
    } else {
      me.beginEnlisting()
    }
    for leaf in 0..<count {
      switch ask(leaf, published ? .enlist : .enlistAlone) {
      case .committed:
        me.endEnlisting()
        withdraw(upTo: leaf)
        settle()
        return .ended(true)
      case .lost: return .lost(leaf)
      case .pending:
        published = published || Claim.state(me.pointee.claim.load(ordering: .relaxed)) != Claim.claimed
      }
    }
    if !published {
      me.startWaiting()
      fullFence()
    }
    return .waits
  }

  /// After the wakeup: takes the offers back; false if the cancellation won.
  @inline(__always)
  mutating func endWait(upTo leaf: Int) -> Bool {
    withdraw(upTo: leaf)
    settle()
    return winner >= 0 || commitBegun()
  }

  /// After a cancellation: commits the first branch that outlasts it; false if there is none.
  @inline(never)
  mutating func commitBegun() -> Bool {
    for leaf in 0..<count {
      let offer = offers + leaf
      guard offer.pointee.source._withUnsafeGuaranteedRef({ $0.outlastsCancellation }) else { continue }
      winner = Int(offer.pointee.index)
      verdict = .value
      return true
    }
    return false
  }

  /// Enlists the waiters of the user's primitives and opens the perform.
  ///
  /// The perform is not open if it ends here: true if a waiter was committed at once, false if the scope was cancelled.
  @inline(never)
  private mutating func openWithWaiters() -> Bool? {
    let enlistment = Enlistment(me, mayWaitAgain: hasAttempts)
    self.enlistment = .passRetained(enlistment)
    for leaf in 0..<count where !enlistment.isDecided {
      (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.enlistWaiter(offers + leaf, enlistment) }
      if me.isCancelled, !enlistment.isDecided {
        settle(winner: -1)
        return false
      }
    }
    if !enlistment.isDecided {
      me.beginEnlisting()
      if enlistment.arm(epoch: me.epoch) { return nil }
      me.endEnlisting()
    }
    settle(winner: enlistment.winner)
    return true
  }

  /// Ends the user's waiters and has them withdrawn: the perform has been settled, so that code may perform operations
  /// of its own.
  @inline(never)
  private mutating func withdrawWaiters() {
    guard let retained = enlistment else { return }
    enlistment = nil
    let enlistment = retained.takeRetainedValue()
    enlistment.end()
    for leaf in 0..<count {
      (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.withdrawWaiter(offers + leaf, enlistment) }
    }
  }

  @inline(never)
  private func waitForWakeup() { Worker.suspend(me) }

  /// Withdraws the offers, except those that are no longer linked.
  ///
  /// The winner needs no lock here: the committer unlinked it first.
  private mutating func withdraw(upTo end: Int) {
    for leaf in 0..<end {
      let offer = offers + leaf
      offer.pointee.source._withUnsafeGuaranteedRef { source in
        let isMine = offer.pointee.index == me.pointee.wait.winner || cs_is_only_thread()
        if isMine, !offer.pointee.isLinked, !source.keepsAccount { return }
        source.withdraw(offer)
      }
    }
  }

  private mutating func settle() {
    winner = Int(me.pointee.wait.winner)
    verdict = me.pointee.wait.verdict
    if hasPrimitives { withdrawWaiters() }
  }

  /// Settles a perform that was decided without the claim word.
  private mutating func settle(winner: Int32) {
    me.pointee.wait.winner = winner
    me.pointee.wait.verdict = .value
    settle()
  }

  /// Fires what the losers asked for, once, in the order the branches were looked at.
  ///
  /// These may perform operations of their own.
  @inline(__always)
  mutating func abandon() {
    if regions != nil { fireRegions() }
  }

  @inline(never)
  private mutating func fireRegions() {
    guard let storage = regions else { return }
    regions = nil
    let all = storage.move()
    storage.deallocate()
    for region in all where !region.leaves.contains(winner) { region.abandon() }
  }
}
