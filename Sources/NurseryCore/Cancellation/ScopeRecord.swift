import Synchronization

@usableFromInline package typealias ScopeRef = UnsafeMutablePointer<ScopeRecord>

/// A scope: the unit of cancellation, and for a nursery the home of its children.
///
/// The mechanism under `withNursery`, `withCancelScope`, `withTimeout` and `withShield`.
///
/// Scopes form a tree. A scope is opened and closed by its *host*, the fiber that runs its body; its *children* are the fibers
/// spawned into it, whose home it is.
///
///                     cancel or the parent's cancellation
///     open -------------------------------------------------> cancelled
///       |   the body has ended                                    |
///       v                                                         v
///     closed to new scopes and fibers, children == 0  <-----------+   then its memory goes
///
/// Cancelling is level-triggered: `expiry` becomes `.min` for the scope and, down to shields, for every scope below
/// it, and stays. Locks are taken from the root towards the leaves. A scope opens or closes under its parent's lock, and a
/// fiber joins or leaves under its home's, so a cancellation that walks the tree sees each either before (and reaches
/// it) or after it (and the newcomer inherits the mark).
///
/// A fiber that waits is reached through the claim word: the canceller marks, fences, and commits every performer that waits
/// in a marked scope; the performer leaves its offers, fences, and looks at the mark.
@usableFromInline
package struct ScopeRecord: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  var isClosed = false
  let lock = SpinLock(.scope)
  /// The instant from which the scope counts as cancelled; `.min` once it is cancelled, `.max` for never.
  ///
  /// The earliest deadline of itself and, up to a shield, of the scopes around it. Written under the lock; see `ScopeRecord+Deadline`.
  @usableFromInline let expiry = Atomic<Int64>(.max)
  let isShielded: Bool
  let policy: ScopePolicy
  let isNursery: Bool
  /// Why this very scope was cancelled; nil if only an outer one was.
  var reason: CancellationReason?

  /// The scope around; nil for a root, and while a coroutine that has the scope open is suspended.
  ///
  /// The host reads it freely, another fiber under the lock.
  var parent: ScopeRef?
  var firstInner: ScopeRef?
  var nextSibling: ScopeRef?
  var previousSibling: ScopeRef?

  /// The fiber that runs the body; nil for a scope of daemons, and while a coroutine that has the scope open is suspended.
  var host: FiberRef?
  /// The fiber that opened it: the host, or for a scheduler's root scope the fiber or thread that called `run`; nil for a scope of
  /// daemons.
  var opener: FiberRef?
  var firstChild: FiberRef?
  var childCount = 0
  /// The fiber that waits for the last child.
  var joiner: FiberRef?
  /// Signalled by the cancellation; made for the first who wants to wait for it.
  var cancellation: Condition?
  /// Whether a child was ended by a cancellation that came from outside this scope.
  var wasCutShort = false
  /// The children's failures, in the order they happened.
  var failures: [any Error] = []
  /// Which they are: an error that comes a second time, rethrown by a sibling or the body, is not another.
  var failureIdentities: Set<ErrorIdentity> = []

  /// How many children may have begun and not ended, how many have, and who waits for a turn; see `ScopeRecord+Limit`.
  let limit: Int
  var runningCount = 0
  var firstWaiting: FiberRef?
  var lastWaiting: FiberRef?
  /// The scope of this nursery's daemons, once there was one; see `ScopeRecord+Daemons`.
  var daemons: ScopeRef?
  /// The descriptors that the nursery closes; see `DescriptorRecord+Home`.
  var firstDescriptor: DescriptorRef?
  /// Whether the nursery is to finish what it is at, and who waits to hear that; see `ScopeRecord+Draining`.
  var isDraining = false
  var draining: Condition?

  /// The instant at which the scope cancels itself; see `ScopeRecord+Deadline`.
  var deadline: Int64 = .max
  var deadlineReason = CancellationReason.deadline
  /// The worker, among those that the host's thread serves, whose timers keep the deadline.
  var timerWorker: WorkerRef?
  /// Its ticket there, or -1; under those timers' lock.
  var timer: Int32 = -1
  /// How many threads are using the scope without being inside it: they fire its deadline, or came from a scope inside.
  let visitors = Atomic<Int>(0)

  var scheduler: Unmanaged<Scheduler>?
  /// For messages: the names from the outermost nursery to this one, and where it was opened.
  let path: ScopePath?
  let site: SourceSite

  init(
    parent: ScopeRef?, host: FiberRef?, opener: FiberRef?, scheduler: Unmanaged<Scheduler>?, _ traits: ScopeTraits
  ) {
    self.parent = parent
    self.host = host
    self.opener = opener
    self.scheduler = scheduler
    site = traits.site
    path = traits.name.isEmpty ? parent?.pointee.path : ScopePath(traits.name, in: parent?.pointee.path)
    isNursery = traits.isNursery
    isShielded = traits.isShielded
    policy = traits.policy
    limit = traits.limit
  }

  /// True once this scope, or one around it up to a shield, has been cancelled; a deadline that has passed and has not been noticed does
  /// not count.
  @inlinable
  package var isMarked: Bool { expiry.load(ordering: .acquiring) == .min }
}

extension ScopeRef {
  /// The names from the outermost nursery to this one: "server/connections".
  package var path: String { pointee.path?.description ?? "" }
  /// Where it was opened.
  package var site: SourceSite { pointee.site }

  /// True once this scope, or one around it up to a shield, is cancelled or past its deadline.
  package var isCancelled: Bool {
    let expiry = pointee.expiry.load(ordering: .acquiring)
    if expiry == .max || expiry == .min { return expiry == .min }
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.expiry.load(ordering: .relaxed) <= now
  }

  /// Why this very scope was cancelled.
  package var reason: CancellationReason? {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    expireUnderLock()
    return pointee.reason
  }

  /// Whether an outer scope's cancellation, or its deadline that has passed unnoticed, reaches the surroundings of this one.
  package var isParentCancelled: Bool {
    // The parent stays while the lock is held.
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    guard let parent = pointee.parent else { return false }
    let expiry = parent.pointee.expiry.load(ordering: .acquiring)
    if expiry != .max, expiry == .min || expiry <= coarseNow { return true }
    guard let host = pointee.host, host.pointee.home == parent else { return false }
    return host.pointee.isCancelledAlone.load(ordering: .acquiring)
  }

  /// The operation that commits once this scope is cancelled or past its deadline.
  package func cancellationOp() -> Op<Void> {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if let condition = pointee.cancellation { return condition.waitOp() }
    let condition = Condition("the cancellation of a scope")
    if pointee.isMarked { condition.signal() }
    condition.expiry.store(pointee.expiry.load(ordering: .relaxed), ordering: .relaxed)
    pointee.cancellation = condition
    return condition.waitOp()
  }

  /// The nursery that a bare `goAsync` spawns into.
  package var ambientNursery: ScopeRef? {
    var candidate: ScopeRef? = self
    while let scope = candidate {
      if scope.pointee.isNursery { return scope }
      candidate = scope.pointee.parent
    }
    return nil
  }

  // MARK: Walks

  /// Visits this scope and those inside it, each under its own lock and the locks of those around it up to this one, whose lock the
  /// caller holds; enters the scopes inside one where `visit` returns true.
  ///
  /// Without recursion: scopes nest as deeply as a program likes, each on a stack of its own.
  @inline(__always)
  func visitInside(_ visit: (ScopeRef) -> Bool) {
    var scope = self
    var enters = visit(scope)
    while true {
      var next = enters ? scope.pointee.firstInner : nil
      while next == nil, scope != self {
        next = scope.pointee.nextSibling
        let around = scope.pointee.parent!
        scope.pointee.lock.unlock()
        scope = around
      }
      guard let found = next else { return }
      found.pointee.lock.lock()
      scope = found
      enters = visit(scope)
    }
  }

  /// Visits this scope and those around it, without a lock, until `visit` returns false.
  ///
  /// For threads that are not the host: each scope's memory stays while it is visited, even if a coroutine takes the scope inside away.
  func visitAround(_ visit: (ScopeRef) -> Bool) {
    var scope = self
    while true {
      var around: ScopeRef?
      if visit(scope) {
        scope.pointee.lock.lock()
        around = scope.pointee.parent
        around?.pointee.visitors.add(1, ordering: .relaxed)
        scope.pointee.lock.unlock()
      }
      if scope != self { scope.pointee.visitors.subtract(1, ordering: .releasing) }
      guard let around else { return }
      scope = around
    }
  }
}
