import CSwitch
import Synchronization

@usableFromInline package typealias FiberRef = UnsafeMutablePointer<FiberRecord>

/// What the scheduler and the operations know about one fiber: a raw record in a slab, never an object.
///
/// A record is one fiber's from the spawn until the last handle of the fiber is gone; its stack only from the first run
/// to the end. Slab memory is never unmapped, so a stale pointer reads a record, not a fault.
///
/// The states of a fiber (`->` moved by itself, `=>` by another fiber or thread):
///
///     queued (no stack) => running -> parked (in no queue, offers stand) => queued => running -> ended
///                                  -> queued (yield) => running
///
/// Handing over. `savedStack` is null while the fiber runs and is stored last by the switch that suspends it, so a
/// fiber may be committed, queued and even picked by another worker before it has left its stack; the picking worker
/// waits for a non-null `savedStack`. That wait happens only on a worker's own loop stack: a fiber that waited there
/// would itself be unable to leave, and two fibers on two workers could wait for each other.
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
    /// A Swift task during one perform; see `TaskPerformer`.
    case task
  }

  // The switch stores here by address: this field must stay first. Of a task it is the word that it parks on; of a
  // plain thread it leads to the frame of its wait.
  let savedStack = Atomic<UInt>(0)
  /// The state of the current perform; see `Claim`.
  @usableFromInline let claim = Atomic<UInt64>(Claim.committed)
  /// Links the fiber in the one queue it is in.
  @usableFromInline var next: FiberRef?
  @usableFromInline var queueing = Queueing()
  /// The worker that runs it or ran it last.
  @usableFromInline var worker: WorkerRef
  /// The innermost scope that is open.
  ///
  /// Never nil; optional because reading an optional costs no check.
  @usableFromInline let currentScope: Atomic<ScopeRef?>
  @usableFromInline private(set) var kind: Kind
  /// See `FiberSlab.freeIfLast`.
  let isHalfFree = Atomic<Bool>(false)
  /// Whether the result is in the scratch space: destructors that still run on this fiber must not use that space.
  @usableFromInline var isScratchTaken = false
  @usableFromInline var wait = Wait()
  @usableFromInline var surroundings = Surroundings()
  /// Nil before the first run and after the end.
  var stack: StackRef?
  /// What to run and where the result goes; the record owns one reference, and keeps it for the next fiber if it can.
  var body: Unmanaged<FiberBody>?
  @usableFromInline var membership: Membership
  @usableFromInline private(set) var identity = Identity()

  /// Its place in a run queue.
  @usableFromInline
  struct Queueing {
    /// When it came there; see `RunQueue`.
    var ticket: UInt32 = 0
    /// Whether it is to begin on the worker with the fewest fibers; see `Placement`.
    @usableFromInline var isSpread = false
  }

  /// The operation that it performs.
  @usableFromInline
  struct Wait: ~Copyable {
    /// The branch that committed; -1 when the scope's cancellation did.
    ///
    /// Written by the committer before it makes the fiber ready.
    @usableFromInline var winner: Int32 = 0
    /// How the winning branch ended; written with `winner`.
    @usableFromInline var verdict = Verdict.value
    /// Whether it tries an operation, and will wait if that would block.
    var isAboutToWait = false
    /// How many references to what it waits for its loop has, as far as that is certain; see `FiberRef+Captures`.
    @usableFromInline var ownReferences: UInt8 = 0
    /// Of a task: whether a fiber runs its jobs; see `DrivenTask`.
    var isDriven = false
    /// Whether a dump reads what it waits for; see `FiberRef+Look`.
    let isLookedAt = Atomic<Bool>(false)
    /// The offers it has left; for reports of what it waits for.
    ///
    /// Negative while the performer is a task, which no list leads to: see `FiberSlab.waitingTasks`. None
    /// while it does not wait in a perform.
    let offerCount = Atomic<Int32>(0)
    /// The turn's time of its worker when it began to wait.
    let since = Atomic<Int64>(0)
    var offers: OfferRef?
    /// Space for the one offer of a wait that is no choice, so that a partner finds the performer in the next cache
    /// line.
    fileprivate var ownOffer: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (0, 0, 0, 0, 0, 0, 0, 0)

    static var holdsOffer: Bool {
      MemoryLayout<Offer>.size <= MemoryLayout<(UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt)>.size
    }
  }

  /// What belongs to the code that runs on it; a switch takes it along, and a coroutine has its own.
  @usableFromInline
  struct Surroundings: ~Copyable {
    /// The head of the list of Swift accesses that were open when the fiber was suspended.
    var openAccesses: UnsafeMutableRawPointer?
    /// What is bound on it, or in the coroutine that it runs; see `FiberLocal`.
    @usableFromInline var locals: LocalBinding?
    /// What Swift's task-locals have on it, or in the coroutine that it runs.
    @usableFromInline var taskLocals = TaskLocalStorage()
    /// The innermost coroutine whose body it runs.
    @usableFromInline var coroutine: UnsafeMutablePointer<CoroutineContext>?
    /// The first of the suspended coroutines that have scopes of this fiber's open; see `SuspendedScopes`.
    let suspended = Atomic<UnsafeMutablePointer<CoroutineContext>?>(nil)
  }

  /// Its place in the nursery that it is a child of; all but `home` under the lock of that scope.
  @usableFromInline
  struct Membership: ~Copyable {
    /// The scope of that nursery; for a record that is no child, any.
    @usableFromInline var home: ScopeRef
    /// The neighbours among the children.
    var next: FiberRef?
    var previous: FiberRef?
    var permit = Permit.unneeded
    /// Set by `Fiber.cancel()`: this fiber is cancelled, its home is not.
    @usableFromInline let isCancelledAlone = Atomic<Bool>(false)
    /// The outermost scope that this fiber has open.
    var outermostScope: ScopeRef?
    /// Signalled with `isCancelledAlone`; made when it is first waited for.
    var cancellationAlone: Condition?

    fileprivate init(_ home: ScopeRef) {
      self.home = home
    }
  }

  @usableFromInline
  struct Identity {
    @usableFromInline var id: UInt64 = 0
    var name: String?
    /// Where it was spawned.
    var site = SourceSite()
  }

  /// The scratch space behind the last field, in the record's slab slot: first for what to run; for an element on its
  /// way to or from a channel while the fiber waits there; in the end for a small result, or the address of a large
  /// one.
  @inlinable static var scratchSize: Int { 16 }

  /// Whether a value of the type fits in.
  @inlinable
  static func hasScratch<Value>(for type: Value.Type) -> Bool {
    MemoryLayout<Value>.size <= scratchSize && MemoryLayout<Value>.alignment <= 8
  }

  /// What a child of a nursery with a limit has to do with it.
  enum Permit: UInt8 {
    /// Its home has no limit, or it was spawned too late to need a permit.
    case unneeded
    case taken
    case awaited
    /// It was cancelled before it had a permit, and does not run.
    case revoked
  }

  init(kind: Kind, worker: WorkerRef, home: ScopeRef) {
    self.kind = kind
    self.worker = worker
    membership = Membership(home)
    currentScope = Atomic(home)
  }

  /// Becomes the record of a new fiber; it was an ended one's, or has not been used yet.
  @inline(__always)
  mutating func renew(
    _ kind: Kind, id: UInt64, name: String? = nil, site: SourceSite = SourceSite(), worker: WorkerRef, home: ScopeRef,
    locals: LocalBinding?
  ) {
    self.kind = kind
    identity.id = id
    identity.site = site
    self.worker = worker
    membership.home = home
    currentScope.store(home, ordering: .relaxed)
    membership.isCancelledAlone.store(false, ordering: .relaxed)
    isHalfFree.store(false, ordering: .relaxed)
    membership.permit = .unneeded
    isScratchTaken = false
    queueing.isSpread = false
    surroundings.openAccesses = nil
    stack = nil
    membership.previous = nil
    // Managed fields are written only where there is something to release or to keep.
    if name != nil { identity.name = name }
    if locals != nil { surroundings.locals = locals }
  }

  /// Becomes the record of a new plain thread; it was an ended one's, or has not been used yet.
  mutating func renewForThread(id: UInt64) { identity.id = id }

  /// Lets go what belonged to the fiber that has ended.
  @inline(__always)
  mutating func clear() {
    if identity.name != nil { identity.name = nil }
    if surroundings.locals != nil { surroundings.locals = nil }
    if membership.cancellationAlone != nil { membership.cancellationAlone = nil }
  }
}

extension FiberRef {
  /// The innermost open scope.
  ///
  /// Others read it while this fiber changes it: either answer is right for them.
  @inlinable
  package var scope: ScopeRef {
    get { pointee.currentScope.load(ordering: .acquiring).unsafelyUnwrapped }
    nonmutating set { pointee.currentScope.store(newValue, ordering: .releasing) }
  }

  /// The scope of the nursery that it is a child of.
  @usableFromInline @inline(__always)
  var home: ScopeRef { pointee.membership.home }

  /// Whether it has not run yet.
  var isFresh: Bool { pointee.stack == nil }

  /// Whether only its worker may run it: it has begun there, and the scheduler does not let fibers migrate.
  var isBound: Bool {
    pointee.kind == .root || !isFresh && !pointee.worker.pointee.queue.pointee.sharesBegun
  }

  @inlinable package var id: UInt64 { pointee.identity.id }
  package var name: String? { pointee.identity.name }
  package var site: SourceSite { pointee.identity.site }
  /// False on a plain thread and in a task.
  @inline(__always)
  package var runsOnScheduler: Bool { pointee.kind.rawValue < FiberRecord.Kind.thread.rawValue }

  /// Whether the code that runs may be a task's: on a thread, or on a fiber that runs a job of a `DrivenTask`.
  package var runsTask: Bool {
    if !runsOnScheduler { return true }
    return pointee.worker.pointee.decisions?._withUnsafeGuaranteedRef { $0.driven != nil } ?? false
  }

  /// See `FiberRecord.scratchSize`.
  @usableFromInline
  var scratch: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + FiberSlab.scratchOffset }

  /// The offer of a wait that is no choice.
  @inline(__always)
  var ownOffer: OfferRef {
    withUnsafeMutablePointer(to: &pointee.wait.ownOffer) {
      UnsafeMutableRawPointer($0).assumingMemoryBound(to: Offer.self)
    }
  }

  /// Makes the memory a record.
  func initialize(_ kind: FiberRecord.Kind, worker: WorkerRef, home: ScopeRef) {
    initialize(to: FiberRecord(kind: kind, worker: worker, home: home))
    // All but the source and the slot of this offer stays.
    let source = Unmanaged<OperationSource>.passUnretained(NeverOperation.shared)
    ownOffer.initialize(to: Offer(self, source, argument: 0, index: 0, slot: UnsafeMutableRawPointer(self)))
  }

  var savedStackSlot: UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
  }

  /// For messages: the name if it has one, else the number.
  package var label: String {
    if let name = pointee.identity.name { return "fiber \"\(name)\"" }
    switch pointee.kind {
    case .root: return "the root fiber"
    case .thread: return "a plain thread"
    case .task: return "a task"
    default: return "fiber #\(pointee.identity.id)"
    }
  }
}
