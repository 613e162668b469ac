import Synchronization

/// The object that an operation waits on: a channel, a condition, a fiber, the clock, or other operations.
///
/// Users see it only as the superclass of `Channel` and `Condition`. To make a primitive of your own, conform to
/// `BaseOperation` and wrap it with `Op(base:)`.
public class OperationSource: @unchecked Sendable {
  /// How one attempt is to be made.
  @usableFromInline
  package enum Attempt: UInt8 {
    /// Commit if that is possible at once. The performer has no offers out.
    case poll
    /// The last resort of a poll: operations that are ready "now, after the others" (an expired timeout) commit.
    case pollLate
    /// Commit, or leave the offer. The performer has no other offers out, and its claim word is `claimed`.
    case enlistAlone
    /// Commit, or leave the offer. Other offers of the performer can be taken at any moment.
    case enlist

    /// Whether an offer is to be left.
    @inlinable @inline(__always)
    var enlists: Bool { self == .enlist || self == .enlistAlone }
    /// Whether others can commit the performer meanwhile.
    @usableFromInline var isPublished: Bool { self == .enlist }
  }

  /// The outcome of an attempt.
  @usableFromInline
  package enum Answer {
    /// Committed; `winner` and `verdict` are set.
    case committed
    /// It would block; the offer is linked if the attempt was to enlist it.
    case pending
    /// Another thread has committed another branch of the same perform.
    case lost
  }

  // Every fiber has these fields, hence the short integers.
  @usableFromInline let storedSlotSize: Int32
  @usableFromInline let storedLeafCount: Int32
  /// False only while a poll would find nothing, so a perform of many leaves skips this one without a call.
  ///
  /// Nil for a source that must be called.
  @usableFromInline let mayCommit: UnsafePointer<Atomic<Bool>>?
  /// Whether it is a single leaf that leaves its value in the slot; any other is a `ValueSource`.
  @usableFromInline let isPlain: Bool
  /// Whether a branch that commits with the verdict `.value` has left it in the slot: so do plain leaves and choices of
  /// them.
  @usableFromInline let leavesValue: Bool
  /// True when there are guards to run before anything can be polled.
  @usableFromInline let needsResolution: Bool
  /// Whether even an offer that is linked nowhere any more has to be withdrawn.
  let keepsAccount: Bool

  /// - Parameter slotSize: how many bytes the leaves need in the performer's slot; a plain source needs what its value takes.
  @usableFromInline
  package init(
    isPlain: Bool = true, leavesValue: Bool = true, slotSize: Int = 0, needsResolution: Bool = false,
    leafCount: Int = 1, keepsAccount: Bool = false, mayCommit: UnsafePointer<Atomic<Bool>>? = nil
  ) {
    storedSlotSize = Int32(slotSize)
    storedLeafCount = Int32(leafCount)
    self.mayCommit = mayCommit
    self.isPlain = isPlain
    self.leavesValue = leavesValue
    self.needsResolution = needsResolution
    self.keepsAccount = keepsAccount
  }

  @inlinable final var slotSize: Int { Int(storedSlotSize) }
  /// How many leaves a perform of it polls.
  @inlinable final var leafCount: Int { Int(storedLeafCount) }

  /// This source, which is known to be of a subclass.
  @inlinable @inline(__always)
  final func known<Source: OperationSource>(as type: Source.Type) -> Source { unsafeDowncast(self, to: type) }

  /// Tries to commit the branch, or leaves its offer.
  @usableFromInline
  package func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    fatalError("\(Self.self) must override attempt")
  }

  /// Withdraws an offer, if it is still linked.
  ///
  /// Called for offers that are marked as linked; for all only if the source keeps account.
  @usableFromInline
  package func withdraw(_ offer: OfferRef) {}

  /// Lets a primitive of the user's enlist a waiter; called before the perform is open.
  func enlistWaiter(_ offer: OfferRef, _ enlistment: Enlistment) {}

  /// Lets a primitive of the user's forget its waiter, if it has one; called after the perform has ended.
  func withdrawWaiter(_ offer: OfferRef, _ enlistment: Enlistment) {}

  /// Whether the branch commits although the perform was cancelled, because it has begun what cannot be taken back.
  ///
  /// Asked after the offer was withdrawn.
  package var outlastsCancellation: Bool { false }

  /// Puts the value of a branch that committed with a verdict other than `.value` into the slot, or throws its error;
  /// called on the performer.
  @usableFromInline
  package func finish(_ verdict: Verdict, argument: UInt, into slot: UnsafeMutableRawPointer) throws {
    fatalError("\(Self.self) must override finish: a branch of it has committed as \(verdict)")
  }

  /// The description of a wait at a source of this type, for traces, which know the type alone.
  package class var kindDescription: String { "an operation" }

  /// The description of a wait here, for dumps and deadlock reports.
  package var waitDescription: String { Self.kindDescription }

  /// The description of a wait here while other fibers run: runs no code of the user's, and reads no fiber's state but
  /// that of one that it keeps alive.
  package var dumpDescription: String { waitDescription }

  /// Equal for sources that dumps describe alike, so that they need not ask each of them; nil if this one is to be
  /// asked.
  package var descriptionKey: UInt? { nil }

  /// The key of a source that is described as all of its type.
  final var typeKey: UInt { WaitKind(Self.self).word }

  /// What a trace notes of a wait here.
  package var waitKind: WaitKind { WaitKind(word: descriptionKey ?? typeKey) }

  /// Adds what the channel holds that a branch here waits on, if it is one and is not there yet; takes its lock.
  package func note(in loads: inout [UInt: ChannelLoad]) {}

  /// What could commit a branch that is parked here.
  package func waker(of offer: OfferRef) -> Waker { .unknown }

  /// The object that a party needs a reference to if it is to commit a branch here; nil if others can, too.
  ///
  /// Asked while a performer that is parked here is looked at, which keeps the object alive.
  package var reach: Reach? { nil }
}
