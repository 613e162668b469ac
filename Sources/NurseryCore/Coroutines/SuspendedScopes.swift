import Synchronization

/// The part of a fiber's state that a suspended coroutine holds: the scopes that its body has open.
///
/// The children of a nursery among them run, and a deadline stands in the timers of a scheduler. So the fiber keeps a
/// list of such coroutines; when it ends, the root fiber of its run takes the list over, and when that ends, the scopes
/// are retired.
///
///     listed by its fiber --- resumed, or dropped ---> not suspended any more
///            |
///            +--- the fiber ends ---> listed by the root; traps if a nursery has children
///                                        |
///                                        +--- the run ends ---> retired: closed, without a deadline
///                                                                  +--- resumed ---> traps if a nursery was open, or a deadline ahead
///
/// The lists are under one lock: a coroutine may be resumed on another fiber than the one that lists it.
@usableFromInline
struct SuspendedScopes {
  /// The innermost scope.
  let innermost: ScopeRef
  /// The fiber that lists it; nil once it is retired.
  fileprivate(set) var fiber: FiberRef?
  fileprivate var next: UnsafeMutablePointer<CoroutineContext>?
  fileprivate var previous: UnsafeMutablePointer<CoroutineContext>?
  /// Once it is retired: what cannot be continued.
  fileprivate var obstacle: ScopeRef?

  static let lock = SpinLock(.suspension)
}

extension UnsafeMutablePointer<CoroutineContext> {
  /// The body yields with scopes open on `me`.
  @usableFromInline @inline(never)
  func leaveScopes(_ me: FiberRef) {
    let innermost = me.scope
    innermost.leave(pointee.base!, with: me)
    if me.pointee.worker.isObserved { me.observeSuspension(innermost, in: pointee.base!, isResumption: false) }
    pointee.isSuspendedInScopes = true
    SuspendedScopes.lock.lock()
    pointee.suspended = SuspendedScopes(innermost: innermost)
    list(me)
    SuspendedScopes.lock.unlock()
  }

  /// The body, which has scopes open, goes on on `me`.
  @usableFromInline @inline(never)
  func joinScopes(_ me: FiberRef) {
    pointee.isSuspendedInScopes = false
    SuspendedScopes.lock.lock()
    let suspended = pointee.suspended!
    unlist()
    pointee.suspended = nil
    SuspendedScopes.lock.unlock()
    if suspended.fiber != me { check(suspended, me) }
    let base = me.scope
    suspended.innermost.join(me)
    if me.pointee.worker.isObserved { me.observeSuspension(suspended.innermost, in: base, isResumption: true) }
  }

  /// Called under the lists' lock.
  fileprivate func list(_ fiber: FiberRef) {
    let next = fiber.pointee.surroundings.suspended.load(ordering: .relaxed)
    next?.pointee.suspended!.previous = self
    pointee.suspended!.fiber = fiber
    pointee.suspended!.next = next
    pointee.suspended!.previous = nil
    fiber.pointee.surroundings.suspended.store(self, ordering: .relaxed)
  }

  /// Called under the lists' lock.
  fileprivate func unlist() {
    let suspended = pointee.suspended!
    guard let fiber = suspended.fiber else { return }
    suspended.next?.pointee.suspended!.previous = suspended.previous
    if let previous = suspended.previous {
      previous.pointee.suspended!.next = suspended.next
    } else {
      fiber.pointee.surroundings.suspended.store(suspended.next, ordering: .relaxed)
    }
    pointee.suspended!.fiber = nil
  }

  /// Traps if the body cannot go on on another fiber than the one it was suspended on.
  private func check(_ suspended: SuspendedScopes, _ me: FiberRef) {
    if let nursery = suspended.innermost.nurseryWithChildren {
      fatalError(
        "a coroutine that was suspended inside \(nursery.place), whose children have not ended, is \(pointee.state == .unwinding ? "dropped" : "resumed") by \(me.label), \(me.place); resume and drop it on the fiber that opened the nursery, or yield outside the nursery"
      )
    }
    if pointee.state != .unwinding, let scope = suspended.obstacle {
      fatalError(
        "a coroutine that was suspended inside \(scope.place) is resumed by \(me.label), \(me.place), after the run in which it was suspended has ended; finish it inside that run, or yield outside the scope"
      )
    }
  }
}

extension FiberRef {
  /// Whether a coroutine is suspended inside scopes of this fiber.
  @inline(__always)
  var hasSuspendedScopes: Bool { pointee.surroundings.suspended.load(ordering: .relaxed) != nil }

  /// Gives up the coroutines that are suspended inside scopes of this fiber, which ends.
  @inline(__always)
  func leaveSuspendedScopes() {
    if hasSuspendedScopes { giveUpSuspendedScopes() }
  }

  @inline(never)
  private func giveUpSuspendedScopes() {
    let scheduler = pointee.kind == .fiber ? home.pointee.scheduler?.takeUnretainedValue() : nil
    let heir = scheduler?.rootScope?.pointee.host
    SuspendedScopes.lock.lock()
    while let coroutine = pointee.surroundings.suspended.load(ordering: .relaxed) {
      let innermost = coroutine.pointee.suspended!.innermost
      if let nursery = innermost.nurseryWithChildren {
        fatalError(
          "\(label), \(place), ends while a coroutine is suspended inside \(nursery.place), whose children have not ended; finish or drop the coroutine on the fiber that resumed it"
        )
      }
      coroutine.unlist()
      if let heir {
        coroutine.list(heir)
      } else {
        coroutine.pointee.suspended!.obstacle = innermost.scopeBoundToScheduler
        innermost.retire()
      }
    }
    SuspendedScopes.lock.unlock()
  }

  /// Visits the outermost scope of each coroutine that is suspended inside scopes of this fiber; for reports, while no
  /// fiber runs, or under the lists' lock.
  func forEachSuspended(_ visit: (ScopeRef) -> Void) {
    var candidate = pointee.surroundings.suspended.load(ordering: .relaxed)
    while let coroutine = candidate {
      let suspended = coroutine.pointee.suspended!
      candidate = suspended.next
      var scope = suspended.innermost
      while let around = scope.pointee.links.parent { scope = around }
      visit(scope)
    }
  }

  /// For messages.
  fileprivate var place: String { site.isKnown ? "spawned at \(site)" : "not spawned by a nursery" }
}

extension ScopeRef {
  /// For messages.
  fileprivate var place: String {
    if let nursery = pointee.nursery { return nursery.label }
    return pointee.site.isKnown ? "a scope with a deadline, opened at \(pointee.site)" : "a scope with a deadline"
  }
}
