import CSwitch
import Synchronization

/// One perform in flight: the leaves of an operation, laid out on the performer's stack.
///
/// The order of events, and who is responsible:
///
///     check cancellation -> (guards have run) -> poll every leaf once -> leave an offer for every leaf
///       -> check cancellation again -> park -> [a committer sets winner and verdict, makes us ready]
///       -> withdraw the losers' offers -> fire the nacks of the losers -> take the value, run the wraps
///
/// The second check closes the race with `cancel`: see `fenceAfterEnlisting`.
@usableFromInline
package struct Performance {
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
  @usableFromInline var count = 0
  /// How many of the leaves are limits of operations.
  @usableFromInline var limitCount = 0
  /// Whether one of the leaves waits to be tried again, and has to be tried before it waits.
  @usableFromInline var hasAttempts = false
  /// The arms of the first leaves, which are laid out when they are needed: of a choice that is ready most are not.
  ///
  /// They stay where they are: the choice holds its array, and the operation the choice.
  private var arms: UnsafePointer<Arm>?
  private var armCount = 0
  private var armStart = 0
  private var armIndex = 0
  @usableFromInline let slot: UnsafeMutableRawPointer
  /// The leaf that committed, in the order the leaves are written.
  @usableFromInline var winner = -1
  @usableFromInline var verdict = Verdict.value
  /// Behind a pointer, so that a perform without them counts no references.
  private var regions: UnsafeMutablePointer<[Region]>?

  /// Values up to this size pass through a slot on the stack.
  @usableFromInline static let inlineSlotSize = 64

  /// How large a slot a value of this type needs.
  ///
  /// Alignment beyond 16 is had from the heap only.
  @inlinable
  static func slotSize<Value>(for type: Value.Type) -> Int {
    MemoryLayout<Value>.alignment > 16 ? max(MemoryLayout<Value>.size, inlineSlotSize + 1) : MemoryLayout<Value>.size
  }

  @usableFromInline
  init(_ me: FiberRef, offers: OfferRef, slot: UnsafeMutableRawPointer) {
    self.me = me
    self.offers = offers
    self.slot = slot
  }

  /// Adds a leaf; they are polled in the order of these calls.
  @usableFromInline
  mutating func add(_ source: OperationSource, argument: UInt, index: Int) {
    add(.passUnretained(source), argument: argument, index: index)
  }

  @inline(__always)
  mutating func add(_ source: Unmanaged<OperationSource>, argument: UInt, index: Int) {
    (offers + count).initialize(
      to: Offer(me, source, argument: argument, index: Int32(truncatingIfNeeded: index), slot: slot))
    count += 1
  }

  /// Adds the leaves that are the arms of a choice, from one of them round to the one before it.
  @usableFromInline
  mutating func add(_ arms: Arms, from start: Int, index: Int) {
    guard let first = arms.baseAddress else { return }
    guard count == 0 else {
      for place in 0..<arms.count {
        let arm = (start + place) % arms.count
        add(first[arm].source, argument: first[arm].argument, index: index + arm)
      }
      return
    }
    self.arms = first
    armCount = arms.count
    armStart = start
    armIndex = index
    count = arms.count
  }

  /// Lays out the leaf at a place if it is an arm.
  @inline(__always)
  private func layOutArm(_ place: Int, _ arms: UnsafePointer<Arm>) {
    let arm = self.arm(place)
    (offers + place).initialize(
      to: Offer(
        me, arms[arm].source, argument: arms[arm].argument, index: Int32(truncatingIfNeeded: armIndex + arm), slot: slot
      ))
  }

  @inline(__always)
  private func arm(_ place: Int) -> Int {
    let arm = armStart + place
    return arm < armCount ? arm : arm - armCount
  }

  /// Adds the timer of an operation's limit, behind the operation's own leaves.
  @usableFromInline
  mutating func addTimer(_ limit: Int64, index: Int) {
    add(TimerOperation.relative, argument: UInt(bitPattern: Int(limit)), index: index)
    limitCount += 1
  }

  /// Adds a leaf that is tried on this fiber.
  mutating func addAttempt(_ source: OperationSource, index: Int) {
    add(source, argument: 0, index: index)
    hasAttempts = true
  }

  /// Adds what is called unless one of its leaves commits.
  @usableFromInline
  mutating func add(_ region: Region) {
    if regions == nil {
      regions = .allocate(capacity: 1)
      regions!.initialize(to: [])
    }
    regions!.pointee.append(region)
  }

  // MARK: Committing

  /// Commits exactly one leaf, waiting for it if need be.
  ///
  /// - Throws: `CancellationError` if the scope is or gets cancelled first; then no leaf has committed.
  @usableFromInline
  mutating func commit() throws {
    // A single operation is not polled first, whatever its limits: it is enlisted before they are looked at.
    let isPolled = hasAttempts || count - limitCount > 1
    if me.isCancelled || !(isPolled && poll(.poll) || layOutAndEnlist()) {
      abandon()
      throw CancellationError()
    }
    abandon()
  }

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

  mutating func poll(_ attempt: OperationSource.Attempt) -> Bool {
    for leaf in 0..<count {
      if leaf < armCount, let arms {
        guard mayCommit(arms[arm(leaf)].source) else { continue }
        layOutArm(leaf, arms)
      } else {
        guard mayCommit((offers + leaf).pointee.source) else { continue }
      }
      guard ask(leaf, attempt) == .committed else { continue }
      settle()
      return true
    }
    return false
  }

  @inline(__always)
  private func mayCommit(_ source: Unmanaged<OperationSource>) -> Bool {
    source._withUnsafeGuaranteedRef { $0.mayCommit?.pointee.load(ordering: .relaxed) ?? true }
  }

  @inline(__always)
  private func ask(_ leaf: Int, _ attempt: OperationSource.Attempt) -> OperationSource.Answer {
    (offers + leaf).pointee.source._withUnsafeGuaranteedRef { $0.attempt(offers + leaf, attempt) }
  }

  @inline(__always)
  mutating func layOutAndEnlist() -> Bool {
    if let arms {
      for place in 0..<armCount { layOutArm(place, arms) }
    }
    return enlistAndPark()
  }

  /// False if the cancellation won.
  @inline(__always)
  mutating func enlistAndPark() -> Bool {
    enlistAndParkOnce() && (verdict != .again || tryAgain())
  }

  /// Goes on after a leaf has been told to try again; false if the cancellation won.
  ///
  /// The leaves are laid out by now, and stay so: a timer goes by the deadline that it had.
  @inline(never)
  private mutating func tryAgain() -> Bool {
    arms = nil
    armCount = 0
    repeat {
      if me.isCancelled {
        winner = -1
        return false
      }
      if poll(.poll) { return true }
      guard enlistAndParkOnce() else { return false }
    } while verdict == .again
    return true
  }

  /// Leaves an offer for every leaf and waits until one commits, or is to be tried again; false if the cancellation won.
  ///
  /// Inlined, as is the parking: see `Worker.suspend`.
  @inline(__always)
  private mutating func enlistAndParkOnce() -> Bool {
    var published = false
    me.beginEnlisting()
    for leaf in 0..<count {
      switch ask(leaf, published ? .enlist : .enlistAlone) {
      case .committed:
        me.endEnlisting()
        withdraw(upTo: leaf)
        settle()
        return true
      case .lost:
        waitForWakeup()
        withdraw(upTo: leaf)
        settle()
        return winner >= 0
      case .pending:
        published = published || Claim.state(me.pointee.claim.load(ordering: .relaxed)) != Claim.claimed
      }
    }
    if !published {
      me.startWaiting()
      fullFence()
    }
    me.parkUnlessCancelled(offers, count)
    withdraw(upTo: count)
    settle()
    return winner >= 0
  }

  @inline(never)
  private func waitForWakeup() { Worker.suspend(me) }

  /// Takes the offers back, but for those that are linked nowhere any more.
  ///
  /// Of the winner that can be said without the lock of its queue: who committed it has unlinked it before.
  private func withdraw(upTo end: Int) {
    for leaf in 0..<end {
      let offer = offers + leaf
      offer.pointee.source._withUnsafeGuaranteedRef { source in
        let isMine = offer.pointee.index == me.pointee.winner || cs_is_only_thread()
        if isMine, !offer.pointee.isLinked, !source.keepsAccount { return }
        source.withdraw(offer)
      }
    }
  }

  private mutating func settle() {
    winner = Int(me.pointee.winner)
    verdict = me.pointee.verdict
  }

  /// Fires what the losers asked for, once, in the order the branches were looked at.
  ///
  /// These may perform operations of their own.
  @inline(__always)
  private mutating func abandon() {
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
