import CSwitch
import Synchronization

@usableFromInline package typealias FiberRef = UnsafeMutablePointer<FiberRecord>

/// What the scheduler and the operations know about one fiber: a raw record in a slab, never an object.
///
/// A record is one fiber's from the spawn until the last handle of the fiber is gone; its stack only from the first run to
/// the end. Slab memory is never unmapped, so a stale pointer reads a record, not a fault.
///
/// The states of a fiber (`->` moved by itself, `=>` by another fiber or thread):
///
///     queued (no stack) => running -> parked (in no queue, offers stand) => queued => running -> ended
///                                  -> queued (yield) => running
///
/// Handing over. `savedStack` is null while the fiber runs and is stored last by the switch that suspends it, so a
/// fiber may be committed, queued and even picked by another worker before it has left its stack; the picking worker waits
/// for a non-null `savedStack`. That wait happens only on a worker's own loop stack: a fiber that waited there would itself be
/// unable to leave, and two fibers on two workers could wait for each other.
@usableFromInline
package struct FiberRecord: ~Copyable {
  @usableFromInline
  enum Kind: UInt8 {
    /// An ordinary fiber, on a stack from the pool.
    case fiber
    /// The body of a scheduler's run, on the stack of the thread that called it; only worker 0 may run it.
    case root
    /// A worker's own loop, where it goes when there is nothing to run.
    case loop
    /// A plain thread that performs operations and blocks.
    case thread
  }

  // The switch stores here by address: this field must stay first.
  let savedStack = Atomic<UInt>(0)
  /// The state of the current perform; see `Claim`.
  @usableFromInline let claim = Atomic<UInt64>(0)
  /// Links the fiber in the one queue it is in.
  @usableFromInline var next: FiberRef?
  /// When it came there; see `RunQueue`.
  var ticket: UInt32 = 0
  /// Whether it is to begin on the worker with the fewest fibers; see `Placement`.
  @usableFromInline var isSpread = false
  /// The worker that runs it or ran it last.
  @usableFromInline var worker: WorkerRef
  /// The innermost scope that is open.
  @usableFromInline let currentScope: Atomic<ScopeRef>
  /// The branch that committed; -1 when the scope's cancellation did.
  ///
  /// Written by the committer before it makes the fiber ready.
  @usableFromInline var winner: Int32 = 0
  /// How the winning branch ended; written with `winner`.
  @usableFromInline var verdict = Verdict.value
  private(set) var kind: Kind
  /// See `FiberSlab.freeIfLast`.
  let isHalfFree = Atomic<Bool>(false)
  /// Set by `Fiber.cancel()`: this fiber is cancelled, its home is not.
  @usableFromInline let isCancelledAlone = Atomic<Bool>(false)
  /// Under the home's lock.
  var turn = Turn.unneeded
  /// The offers it has left; for reports of what it waits for.
  ///
  /// None while it does not wait in a perform.
  var offers: OfferRef?
  let offerCount = Atomic<Int32>(0)
  /// Whether the result lies in the room: what the fiber lets go of after that may still run the user's code on it.
  @usableFromInline var isRoomTaken = false
  /// Whether it tries an operation, and will wait if that would block.
  var isAboutToWait = false

  /// Room for the one offer of a wait that is no choice, so that a partner finds the performer in the next cache line.
  fileprivate var offerRoom: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (0, 0, 0, 0, 0, 0, 0, 0)

  /// The head of the list of Swift accesses that were open when the fiber was suspended.
  var openAccesses: UnsafeMutableRawPointer?
  /// Nil before the first run and after the end.
  var stack: StackRef?
  /// What to run and where the result goes; the record owns one reference, and keeps it for the next fiber if it can.
  var body: Unmanaged<FiberBody>?
  /// The scope whose child this fiber is, and its neighbours there (under that scope's lock).
  @usableFromInline private(set) var home: ScopeRef
  var nextSibling: FiberRef?
  var previousSibling: FiberRef?
  /// The outermost scope that this fiber has open (under the home's lock).
  var outermostScope: ScopeRef?
  /// What is bound on it, or in the coroutine that it runs; see `FiberLocal`.
  @usableFromInline var locals: LocalBinding?
  /// The innermost coroutine whose body it runs.
  @usableFromInline var coroutine: UnsafeMutablePointer<CoroutineContext>?
  /// The first of the suspended coroutines that have scopes of this fiber's open; see `SuspendedScopes`.
  let suspended = Atomic<UnsafeMutablePointer<CoroutineContext>?>(nil)
  /// Signalled with `isCancelledAlone`; made when it is first waited for (under the home's lock).
  var cancellationAlone: Condition?

  private(set) var id: UInt64
  private(set) var name: String?
  /// Where it was spawned.
  private(set) var site: SourceSite

  /// The room behind the last field, in the record's slab slot: first for what to run; for an element on its way to or from a
  /// channel while the fiber waits there; in the end for a small result, or the address of a large one.
  @inlinable static var roomSize: Int { 16 }

  static var hasRoomForOffer: Bool {
    MemoryLayout<Offer>.size <= MemoryLayout<(UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt)>.size
  }

  /// Whether a value of the type fits in.
  @inlinable
  static func hasRoom<Value>(for type: Value.Type) -> Bool {
    MemoryLayout<Value>.size <= roomSize && MemoryLayout<Value>.alignment <= 8
  }

  /// What a child of a nursery with a limit has to do with it.
  enum Turn: UInt8 {
    /// Its home has no limit, or it was spawned too late to need a turn.
    case unneeded
    case taken
    case awaited
    /// It was cancelled before its turn came, and does not run.
    case forfeited
  }

  init(kind: Kind, worker: WorkerRef, home: ScopeRef, name: String? = nil, locals: LocalBinding? = nil) {
    self.kind = kind
    id = 0
    self.name = name
    site = SourceSite()
    self.locals = locals
    self.worker = worker
    self.home = home
    currentScope = Atomic(home)
  }

  /// Becomes the record of a new fiber; it was an ended one's, or has not been used yet.
  @inline(__always)
  mutating func renew(
    _ kind: Kind, id: UInt64, name: String? = nil, site: SourceSite = SourceSite(), worker: WorkerRef, home: ScopeRef,
    locals: LocalBinding?
  ) {
    self.kind = kind
    self.id = id
    self.site = site
    self.worker = worker
    self.home = home
    currentScope.store(home, ordering: .relaxed)
    isCancelledAlone.store(false, ordering: .relaxed)
    isHalfFree.store(false, ordering: .relaxed)
    turn = .unneeded
    isRoomTaken = false
    isSpread = false
    openAccesses = nil
    stack = nil
    previousSibling = nil
    // Managed fields are written only where there is something to release or to keep.
    if name != nil { self.name = name }
    if locals != nil { self.locals = locals }
  }

  /// Lets go what belonged to the fiber that has ended.
  @inline(__always)
  mutating func clear() {
    if name != nil { name = nil }
    if locals != nil { locals = nil }
    if cancellationAlone != nil { cancellationAlone = nil }
  }
}

extension FiberRef {
  /// The innermost open scope.
  ///
  /// Others read it while this fiber changes it: either answer is right for them.
  @inlinable
  package var scope: ScopeRef {
    get { pointee.currentScope.load(ordering: .acquiring) }
    nonmutating set { pointee.currentScope.store(newValue, ordering: .releasing) }
  }

  /// True once the innermost scope or one around it (up to a shield) is cancelled or past its deadline, or the fiber is cancelled by
  /// itself.
  ///
  /// The first that finds a deadline passed cancels its scope. A load and a comparison where no deadline is set, a look at a coarse clock
  /// where one is.
  @inlinable @inline(__always)
  package var isCancelled: Bool {
    let expiry = scope.pointee.expiry.load(ordering: .acquiring)
    if expiry != .max { return isCancelledOrOverdue(expiry) }
    return pointee.isCancelledAlone.load(ordering: .acquiring) && scope == pointee.home
  }

  @usableFromInline @inline(never)
  func isCancelledOrOverdue(_ expiry: Int64) -> Bool {
    if expiry > .min, expiry > pointee.worker.coarseNow { return isMarkedCancelled }
    if expiry > .min { scope.expire() }
    return true
  }

  /// As `isCancelled`, without regard to deadlines that have passed unnoticed.
  var isMarkedCancelled: Bool {
    let scope = scope
    return scope.pointee.isMarked || pointee.isCancelledAlone.load(ordering: .acquiring) && scope == pointee.home
  }

  /// Whether it has not run yet.
  var isFresh: Bool { pointee.stack == nil }

  /// Whether only its worker may run it: it has begun there, and the scheduler does not let fibers migrate.
  var isBound: Bool {
    pointee.kind == .root || !isFresh && !pointee.worker.pointee.queue.pointee.sharesBegun
  }

  package var id: UInt64 { pointee.id }
  package var name: String? { pointee.name }
  package var site: SourceSite { pointee.site }
  /// False on a plain thread.
  package var runsOnScheduler: Bool { pointee.kind != .thread }

  /// See `FiberRecord.roomSize`.
  @usableFromInline
  var room: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + FiberSlab.roomOffset }

  /// Where the offer of a wait that is no choice goes.
  @usableFromInline
  var ownOffer: OfferRef {
    withUnsafeMutablePointer(to: &pointee.offerRoom) {
      UnsafeMutableRawPointer($0).assumingMemoryBound(to: Offer.self)
    }
  }

  var savedStackSlot: UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
  }

  /// For messages: the name if it has one, else the number.
  package var label: String {
    if let name = pointee.name { return "fiber \"\(name)\"" }
    switch pointee.kind {
    case .root: return "the root fiber"
    case .thread: return "a plain thread"
    default: return "fiber #\(pointee.id)"
    }
  }
}
