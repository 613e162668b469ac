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
/// Cancelling is level-triggered: `isCancelled` is set for the scope and, down to shields, for every scope below
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
  let lock = SpinLock()
  @usableFromInline let cancelled = Atomic<Bool>(false)
  let isShielded: Bool
  let policy: ScopePolicy
  let isNursery: Bool
  /// Why this very scope was cancelled; nil if only an outer one was.
  var reason: CancellationReason?

  let parent: ScopeRef?
  var firstInner: ScopeRef?
  var nextSibling: ScopeRef?
  var previousSibling: ScopeRef?

  /// The fiber that runs the body; nil for a scope of daemons.
  let host: FiberRef?
  /// The fiber that opened it: the host, or for a scheduler's root scope the fiber or thread that called `run`.
  let opener: FiberRef?
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
  /// How many workers are just firing the deadline.
  let firings = Atomic<Int>(0)

  let scheduler: Unmanaged<Scheduler>?
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

  /// True once this scope, or one around it up to a shield, is cancelled.
  @usableFromInline
  package var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
}

extension ScopeRef {
  /// The names from the outermost nursery to this one: "server/connections".
  package var path: String { pointee.path?.description ?? "" }
  /// Where it was opened.
  package var site: SourceSite { pointee.site }
  package var isCancelled: Bool { pointee.isCancelled }

  /// Why this very scope was cancelled.
  package var reason: CancellationReason? {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    return pointee.reason
  }

  /// Whether an outer scope's cancellation reaches the surroundings of this one.
  package var isParentCancelled: Bool {
    guard let parent = pointee.parent else { return false }
    if parent.pointee.isCancelled { return true }
    guard let host = pointee.host, host.pointee.home == parent else { return false }
    return host.pointee.isCancelledAlone.load(ordering: .acquiring)
  }

  /// The operation that commits once this scope is cancelled.
  package func cancellationOp() -> Op<Void> {
    pointee.lock.lock()
    defer { pointee.lock.unlock() }
    if let condition = pointee.cancellation { return condition.waitOp() }
    let condition = Condition("the cancellation of a scope")
    if pointee.isCancelled { condition.signal() }
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
}
