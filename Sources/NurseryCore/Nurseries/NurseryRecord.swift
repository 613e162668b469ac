import Synchronization

@usableFromInline package typealias NurseryRef = UnsafeMutablePointer<NurseryRecord>

/// A nursery: a cancel scope and the fibers that were spawned into it, whose home it is.
///
///     open --- the body has ended ---> joining --- no child, no daemon ---> closed ---> freed with its last handle
///       children come and go             children of children may come        its scope is closed to newcomers
///
/// Invariant: the scope is not closed while a child has not ended. All of this is under the scope's lock. A
/// cancellation of the scope wakes the children; nothing here cancels them one by one.
///
/// Also the mechanism under `goAndWait`, a nursery of one child, under a scheduler's root, and under daemons: see
/// `NurseryRecord+Daemons`.
@usableFromInline
package struct NurseryRecord: ~Copyable {
  // Its address is the nursery's: this field must stay first.
  var scope: ScopeRecord
  let traits: Traits
  /// For messages: the names from the outermost nursery to this one.
  let path: ScopePath?
  fileprivate var firstChild: FiberRef?
  fileprivate var childCount = 0
  /// The fiber that waits for the last child.
  var joiner: FiberRef?
  fileprivate var endings = Endings()
  var permits = Permits()
  var draining = Draining()
  /// The nursery of this one's daemons, once there was one.
  var daemons: NurseryRef?
  /// What the nursery closes when its fibers have ended.
  var firstResource: NurseryResourceRef?

  /// What kind of nursery it is; fixed when it is opened.
  package struct Traits {
    /// Whether a bare `goAsync` finds it.
    package var isAmbient = false
    /// Whether the siblings of a child that fails run on; else it cancels them.
    package var supervises = false
    /// How many children may run at once.
    package var limit = Int.max
    /// Where children begin that do not say it themselves.
    package var placement = Placement.here

    package init(
      isAmbient: Bool = false, supervises: Bool = false, limit: Int = .max, placement: Placement = .here
    ) {
      self.isAmbient = isAmbient
      self.supervises = supervises
      self.limit = limit
      self.placement = placement
    }
  }

  /// How children have ended.
  fileprivate struct Endings {
    /// The failures, in the order they happened.
    var failures: [any Error] = []
    /// Which they are: an error that comes a second time, rethrown by a sibling or the body, is not another.
    var identities: Set<ErrorIdentity> = []
    /// Whether a child was ended by a cancellation that came from outside the scope.
    var wereCutShort = false
  }
}

extension NurseryRef {
  /// Opens a nursery inside the innermost scope of its host.
  package static func open(
    host: FiberRef, name: String = "", _ site: SourceSite, _ traits: NurseryRecord.Traits
  ) -> NurseryRef {
    let parent = host.scope
    let nursery = make(
      parent: parent, host: host, opener: host, worker: host.pointee.worker, scheduler: parent.pointee.scheduler,
      name: name, site, traits)
    parent.adopt(nursery.scope)
    nursery.inheritDraining(from: parent)
    if host.pointee.worker.isObserved {
      host.pointee.worker.observeOpening(nursery.scope, traits.isAmbient ? .nursery : .call, name)
    }
    return nursery
  }

  static func make(
    parent: ScopeRef, host: FiberRef?, opener: FiberRef?, worker: WorkerRef?, scheduler: Unmanaged<Scheduler>?,
    name: String = "", _ site: SourceSite = SourceSite(), _ traits: NurseryRecord.Traits = NurseryRecord.Traits()
  ) -> NurseryRef {
    Worker.countAllocation()
    let nursery = NurseryRef.allocate(capacity: 1)
    let outer = parent.enclosingNursery?.pointee.path
    let scope = ScopeRecord(
      parent: parent, host: host, opener: opener, worker: worker, scheduler: scheduler, nursery: nursery, site,
      isShielded: false)
    nursery.initialize(
      to: NurseryRecord(scope: scope, traits: traits, path: name.isEmpty ? outer : ScopePath(name, in: outer)))
    return nursery
  }

  /// Gives the memory back; nothing may know the nursery any more.
  package func free() {
    pointee.daemons?.free()
    destroy()
  }

  /// The scope that the nursery's cancellation cancels.
  @usableFromInline
  package var scope: ScopeRef { UnsafeMutableRawPointer(self).assumingMemoryBound(to: ScopeRecord.self) }

  /// The names from the outermost nursery to this one: "server/connections".
  package var path: String { pointee.path?.description ?? "" }

  /// For messages.
  package var label: String {
    let name = path.isEmpty ? "a nursery" : "nursery \"\(path)\""
    return scope.site.isKnown ? "\(name) opened at \(scope.site)" : name
  }

  // MARK: Children

  /// Makes the fiber a child; false if the nursery is closed.
  @inline(__always)
  func add(_ child: FiberRef) -> Bool {
    scope.withLock {
      if pointee.scope.isClosed { return false }
      child.pointee.membership.next = pointee.firstChild
      if let first = pointee.firstChild { first.pointee.membership.previous = child }
      pointee.firstChild = child
      pointee.childCount &+= 1
      return true
    }
  }

  /// Takes an ended child out; the last one wakes the host that waits for it.
  ///
  /// The child does not touch the nursery afterwards.
  @inline(__always)
  func remove(_ child: FiberRef) {
    pointee.scope.lock.lock()
    let next = child.pointee.membership.next
    let previous = child.pointee.membership.previous
    if let previous { previous.pointee.membership.next = next } else { pointee.firstChild = next }
    if let next { next.pointee.membership.previous = previous }
    pointee.childCount &-= 1
    let successor = isLimited ? passPermit(from: child) : nil
    let joiner = pointee.childCount == 0 ? pointee.joiner : nil
    if joiner != nil { pointee.joiner = nil }
    pointee.scope.lock.unlock()
    joiner?.makeReady()
    successor?.makeReady()
  }

  /// Calls `body` while the nursery cannot close; nil if it has closed.
  ///
  /// For callers that the nursery does not wait for, and which hold a reference to it.
  package func whileOpen<Result>(_ body: () -> Result) -> Result? {
    let isOpen = scope.withLock {
      if pointee.scope.isClosed { return false }
      pointee.childCount &+= 1
      return true
    }
    guard isOpen else { return nil }
    defer { endKeepingOpen() }
    return body()
  }

  private func endKeepingOpen() {
    let joiner: FiberRef? = scope.withLock {
      pointee.childCount &-= 1
      guard pointee.childCount == 0 else { return nil }
      defer { pointee.joiner = nil }
      return pointee.joiner
    }
    joiner?.makeReady()
  }

  /// Visits the children; called with the lock held.
  func forEachChild(_ visit: (FiberRef) -> Void) {
    var child = pointee.firstChild
    while let fiber = child {
      child = fiber.pointee.membership.next
      visit(fiber)
    }
  }

  /// How many children have not ended.
  package var childCount: Int { scope.withLock { childCountUnderLock } }
  var childCountUnderLock: Int { pointee.childCount }

  /// Waits, deaf to cancellation, until the last child has ended, then ends the daemons, and closes the nursery to
  /// newcomers.
  ///
  /// Children that are spawned meanwhile by other children, or by daemons, are waited for as well.
  @usableFromInline
  package func joinChildren(_ host: FiberRef) {
    repeat { waitForChildren(host) } while !closeIfEmpty(endingDaemonsFor: host)
  }

  func waitForChildren(_ host: FiberRef) {
    while scope.withLock({
      if pointee.childCount == 0 { return false }
      pointee.joiner = host
      host.noteWaiting()
      return true
    }) {
      host.letChildrenGoFirst()
      Worker.suspend(host)
    }
  }

  // MARK: Endings

  /// Notes a child's failure and, unless the policy is to go on, cancels the siblings.
  package func noteFailure(_ error: any Error) {
    if let served { return served.noteFailure(error) }
    scope.withLock {
      if pointee.endings.identities.insert(ErrorIdentity(error)).inserted { pointee.endings.failures.append(error) }
    }
    if !pointee.traits.supervises { scope.cancel(.failure) }
  }

  /// Notes that a child has ended with a cancellation, which may be one that is not this scope's to absorb.
  func noteCancellation() {
    if scope.isParentCancelled { scope.withLock { pointee.endings.wereCutShort = true } }
  }

  /// Whether a child was ended by the cancellation of a scope around.
  package var wasCutShort: Bool { scope.withLock { pointee.endings.wereCutShort } }

  /// The failures of the children so far, in the order they happened.
  package var failures: [any Error] { scope.withLock { pointee.endings.failures } }
}

extension ScopeRef {
  /// The nursery that a bare `goAsync` spawns into; for the host.
  package var ambientNursery: NurseryRef? {
    first { $0.pointee.nursery?.pointee.traits.isAmbient ?? false }?.pointee.nursery
  }

  /// The innermost nursery, of whatever kind, whose scope is this one or around it; for the host.
  package var enclosingNursery: NurseryRef? { first { $0.pointee.nursery != nil }?.pointee.nursery }

  /// The names from the outermost nursery to the innermost one around; for the host.
  package var path: String { enclosingNursery?.path ?? "" }
}

extension FiberRef {
  /// The nursery whose child this fiber is; only fibers that were spawned have one.
  @inline(__always)
  var homeNursery: NurseryRef { home.pointee.nursery.unsafelyUnwrapped }
}
