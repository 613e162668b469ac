import Synchronization

extension NurseryRef {
  /// Makes a fiber that will run `body`, as a child of this scope, and queues it on the calling worker.
  ///
  /// Never switches.
  ///
  /// One allocation, the closure's context, if it captures anything; a second one if the records at hand are all in
  /// use, or were held too long by their handles.
  @inlinable
  package func spawn<Value>(
    _ name: String?, _ site: SourceSite, placement: Placement? = nil,
    _ body: consuming @escaping () throws -> Value
  ) -> FiberCore<Value> {
    let child = makeChild(name, site)
    FiberCore.load(child, body)
    launch(child, placement)
    return FiberCore(child)
  }

  @usableFromInline
  func makeChild(_ name: String?, _ site: SourceSite) -> FiberBody {
    let spawner = Performer.current()
    // Deriving a value runs user code, which may wait and, where fibers migrate, resume on another worker.
    let locals = spawner.pointee.surroundings.locals == nil ? nil : spawner.inheritedLocals
    let here = spawner.pointee.worker
    let record = FiberSlab.allocate(here)
    record.pointee.renew(
      .fiber, id: here.pointee.numbers.makeID(), name: name, site: site, worker: here, home: scope, locals: locals)
    if here.pointee.pace.taskLocals.pointee != nil { record.inheritTaskLocals(of: spawner) }
    return record.renewedBody()
  }

  /// Queues a child that has been told what to run.
  @usableFromInline
  func launch(_ body: FiberBody, _ placement: Placement?) {
    let record = body.record
    let here = record.pointee.worker
    if (placement ?? pointee.traits.placement) == .spread { record.pointee.queueing.isSpread = true }
    guard add(record) else { refuse(record) }
    // From here on the child keeps the scope and its scheduler alive. A nursery is only opened on a scheduler's fiber.
    let scheduler = pointee.scope.scheduler!
    guard here.pointee.scheduler?.toOpaque() == scheduler.toOpaque() else {
      return scheduler._withUnsafeGuaranteedRef { launch(body, from: $0) }
    }
    here.count(here.pointee.counters.spawned)
    if here.isObserved { here.observeSpawn(record) }
    if isLimited, !takePermit(record) { return }
    if isPastExpiry {
      here.count(here.pointee.counters.ended)
      return endUnstarted(body)
    }
    here.pushFresh(record)
  }

  /// What receives errors that no caller is left to catch; called while the nursery is open.
  package var suppressedErrorHandler: @Sendable (any Error) -> Void {
    pointee.scope.scheduler!._withUnsafeGuaranteedRef { $0.settings.onSuppressedError } ?? Scheduler.reportSuppressed
  }

  @inline(never)
  private func refuse(_ child: FiberRef) -> Never {
    fatalError(
      "\(child.label), spawned at \(child.site), was spawned into \(label), which has closed already; spawn children before the nursery's body returns, or open another nursery (in an exit hook, too)"
    )
  }

  /// The child's way in from a thread that is none of its scheduler's workers.
  @inline(never)
  private func launch(_ body: FiberBody, from scheduler: Scheduler) {
    let record = body.record
    record.pointee.worker = scheduler.workers[0]
    scheduler.counters.spawnedOutside.add(1, ordering: .relaxed)
    scheduler.recordSpawn(record)
    if isLimited, !takePermit(record) { return }
    if isPastExpiry {
      scheduler.counters.endedOutside.add(1, ordering: .relaxed)
      return endUnstarted(body)
    }
    record.makeReady(.last)
  }

  /// Whether a child that is spawned now is not to run.
  @inline(__always)
  private var isPastExpiry: Bool {
    let expiry = pointee.scope.expiry.load(ordering: .acquiring)
    return expiry != .max && (expiry == .min || expiry <= scope.coarseNow)
  }

  /// Ends a child of a cancelled scope, whose body is not to run.
  @inline(never)
  private func endUnstarted(_ body: FiberBody) {
    body.failUnstarted(CancellationError())
    Inventory.current?.note(body)
    body.record.finishUnstarted()
  }
}
