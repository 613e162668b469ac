import Synchronization

@usableFromInline package typealias ScopeRef = UnsafeMutablePointer<ScopeRecord>

/// A cancel scope: the unit of cancellation, with a deadline of its own.
///
/// All there is to `withTimeout`, `withCancelScope` and `withShield`; a nursery has one, and children besides: see
/// `NurseryRecord`. (Eio separates `Cancel` and `Switch` in the same way.)
///
/// Scopes form a tree. A scope is opened and closed by its *host*, the fiber that runs its body.
///
///                     cancel or the parent's cancellation
///     open -------------------------------------------------> cancelled
///       |   the body has ended                                    |
///       v                                                         v
///     closed to new scopes and fibers; a nursery has no children <+   then its memory goes
///
/// Cancelling is level-triggered: `expiry` becomes `.min` for the scope and, down to shields, for every scope below it,
/// and stays. Locks are taken from the root towards the leaves. A scope opens or closes under its parent's lock, and a
/// fiber joins or leaves under its home's, so a cancellation that walks the tree sees each either before (and reaches
/// it) or after it (and the newcomer inherits the mark).
///
/// A fiber that waits is reached through the claim word: the canceller marks, fences, and commits every performer that
/// waits in a marked scope; the performer leaves its offers, fences, and looks at the mark.
@usableFromInline
package struct ScopeRecord: ~Copyable {
  // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the whole.
  var isClosed = false
  let isShielded: Bool
  let lock = SpinLock(.scope)
  /// The instant from which the scope counts as cancelled; `.min` once it is cancelled, `.max` for never.
  ///
  /// The earliest deadline of itself and, up to a shield, of the scopes around it. Written under the lock; see
  /// `ScopeRecord+Deadline`.
  @usableFromInline let expiry = Atomic<Int64>(.max)
  /// How many threads are using the scope without being inside it: they fire its deadline, or came from a scope inside.
  let visitors = Atomic<Int>(0)
  var links: Links
  var alarm = Alarm()
  /// Why this very scope was cancelled; nil if only an outer one was.
  var reason: CancellationReason?
  /// Signalled by the cancellation; made for the first that wants to wait for it.
  var cancellation: Condition?

  /// The fiber that runs the body; nil for a scope of daemons, and while a coroutine that has the scope open is
  /// suspended.
  var host: FiberRef?
  /// The fiber that opened it: the host, or for a scheduler's root scope the fiber or thread that called `run`; nil for
  /// a scope of daemons.
  var opener: FiberRef?
  /// The nursery whose scope this is.
  let nursery: NurseryRef?
  var scheduler: Unmanaged<Scheduler>?
  /// Where it was opened.
  let site: SourceSite

  /// Its place in the tree of scopes.
  struct Links {
    /// The scope around; nil for a root, and while a coroutine that has the scope open is suspended.
    ///
    /// The host reads it freely, another fiber under the lock.
    var parent: ScopeRef?
    var firstInner: ScopeRef?
    var next: ScopeRef?
    var previous: ScopeRef?
  }

  /// Its own deadline; see `ScopeRecord+Deadline`.
  struct Alarm {
    /// The instant at which the scope cancels itself; `.max` for never.
    var deadline: Int64 = .max
    /// Whether it is the end of a drain's grace.
    var endsGrace = false
    /// Its ticket in the timers, or -1; under those timers' lock.
    var ticket: Int32 = -1
    /// The worker, among those that the host's thread serves, whose timers keep the deadline.
    var worker: WorkerRef?
  }

  init(
    parent: ScopeRef?, host: FiberRef?, opener: FiberRef?, worker: WorkerRef?, scheduler: Unmanaged<Scheduler>?,
    nursery: NurseryRef?, _ site: SourceSite, isShielded: Bool
  ) {
    self.isShielded = isShielded
    links = Links(parent: parent)
    alarm.worker = worker
    self.host = host
    self.opener = opener
    self.scheduler = scheduler
    self.nursery = nursery
    self.site = site
  }

  /// True once this scope, or one around it up to a shield, has been cancelled; a deadline that has passed and has not
  /// been noticed does not count.
  @inlinable
  package var isMarked: Bool { expiry.load(ordering: .acquiring) == .min }
}

extension ScopeRef {
  /// Where it was opened.
  package var site: SourceSite { pointee.site }

  /// True once this scope, or one around it up to a shield, is cancelled or past its deadline.
  package var isCancelled: Bool {
    let expiry = pointee.expiry.load(ordering: .acquiring)
    if expiry == .max || expiry == .min { return expiry == .min }
    return withLock { pointee.expiry.load(ordering: .relaxed) <= now }
  }

  /// Why this very scope was cancelled.
  package var reason: CancellationReason? {
    withLock {
      expireUnderLock()
      return pointee.reason
    }
  }

  /// Whether an outer scope's cancellation, or its deadline that has passed unnoticed, reaches the surroundings of this
  /// one.
  package var isParentCancelled: Bool {
    // The parent stays while the lock is held.
    withLock {
      guard let parent = pointee.links.parent else { return false }
      let expiry = parent.pointee.expiry.load(ordering: .acquiring)
      if expiry != .max, expiry == .min || expiry <= coarseNow { return true }
      guard let host = pointee.host, host.home == parent else { return false }
      return host.pointee.membership.isCancelledAlone.load(ordering: .acquiring)
    }
  }

  /// The operation that commits once this scope is cancelled or past its deadline.
  package func cancellationOp() -> Op<Void> {
    withLock {
      if let condition = pointee.cancellation { return condition.waitOp() }
      let condition = Condition("the cancellation of a scope")
      if pointee.isMarked { condition.signal() }
      condition.expiry.store(pointee.expiry.load(ordering: .relaxed), ordering: .relaxed)
      pointee.cancellation = condition
      return condition.waitOp()
    }
  }

  @inline(__always)
  func withLock<Result>(_ body: () -> Result) -> Result { pointee.lock.withLock(body) }

  // MARK: Walks

  /// Visits this scope and those inside it, each under its own lock and the locks of those around it up to this one,
  /// whose lock the caller holds; enters the scopes inside one where `visit` returns true.
  ///
  /// Without recursion: scopes nest as deeply as a program likes, each on a stack of its own.
  @inline(__always)
  func visitInside(_ visit: (ScopeRef) -> Bool) {
    var scope = self
    var enters = visit(scope)
    while true {
      var next = enters ? scope.pointee.links.firstInner : nil
      while next == nil, scope != self {
        next = scope.pointee.links.next
        let around = scope.pointee.links.parent!
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
  /// For threads that are not the host: each scope's memory stays while it is visited, even if a coroutine takes the
  /// scope inside away.
  func visitAround(_ visit: (ScopeRef) -> Bool) {
    var scope = self
    while true {
      var around: ScopeRef?
      if visit(scope) {
        scope.withLock {
          around = scope.pointee.links.parent
          around?.pointee.visitors.add(1, ordering: .relaxed)
        }
      }
      if scope != self { scope.pointee.visitors.subtract(1, ordering: .releasing) }
      guard let around else { return }
      scope = around
    }
  }

  /// This scope and those around it, for the host, which reads the links freely.
  @inline(__always)
  func first(where isWanted: (ScopeRef) -> Bool) -> ScopeRef? {
    var candidate: ScopeRef? = self
    while let scope = candidate {
      if isWanted(scope) { return scope }
      candidate = scope.pointee.links.parent
    }
    return nil
  }
}
