import Synchronization

extension ScopeRef {
  /// Makes a fiber that will run `body`, as a child of this scope, and queues it on the calling worker.
  ///
  /// Never switches.
  ///
  /// Two allocations: the closure's context, if it captures anything, and the object that handles share.
  @inlinable
  package func spawn<Value>(
    _ name: String?, _ site: SourceSite, _ body: consuming @escaping () throws -> Value
  ) -> FiberCore<Value> {
    let spawner = Performer.current()
    // A derived value is the user's to make, who may wait for something: after that the worker may be another.
    let locals = spawner.inheritedLocals
    let here = spawner.pointee.worker
    let core = FiberCore(record: makeChild(name, site, locals, here), body)
    launch(core, here)
    return core
  }

  @usableFromInline
  func makeChild(_ name: String?, _ site: SourceSite, _ locals: LocalBinding?, _ here: WorkerRef) -> FiberRef {
    let record = FiberSlab.allocate(here)
    FiberSlab.initialise(
      record,
      to: FiberRecord(
        kind: .fiber, id: here.makeID(), name: name, site: site, worker: here, home: self,
        locals: locals))
    return record
  }

  @usableFromInline
  func launch(_ body: FiberBody, _ here: WorkerRef) {
    let record = body.record
    guard add(record) else {
      fatalError(
        "\(record.label), spawned at \(record.pointee.site), was spawned into \(label), which has closed already; spawn children before the nursery's body returns, or open another nursery (in an exit hook, too)"
      )
    }
    // From here on the child keeps the scope and its scheduler alive.
    guard let scheduler = pointee.scheduler else {
      fatalError(
        "a plain thread has no scheduler to spawn fibers on; write runFibers { ... } or withNursery { ... } around it")
    }
    let isHome = here.pointee.scheduler?.toOpaque() == scheduler.toOpaque()
    if !isHome { record.pointee.worker = scheduler._withUnsafeGuaranteedRef { $0.worker(0) } }
    record.pointee.body = .passRetained(body)
    if isHome {
      here.count(here.pointee.spawned)
    } else {
      scheduler._withUnsafeGuaranteedRef { _ = $0.spawnedOutside.add(1, ordering: .relaxed) }
    }
    if isLimited, !takeTurn(record) { return }
    if pointee.isCancelled {
      body.failUnstarted(CancellationError())
      if isHome {
        here.count(here.pointee.ended)
      } else {
        scheduler._withUnsafeGuaranteedRef { _ = $0.endedOutside.add(1, ordering: .relaxed) }
      }
      record.finish(error: CancellationError())
      Inventory.current?.note(body)
      return
    }
    isHome ? here.push(record, .last) : record.makeReady(.last)
  }

  /// For messages.
  package var label: String {
    let name = path.isEmpty ? "a nursery" : "nursery \"\(path)\""
    return pointee.site.isKnown ? "\(name) opened at \(pointee.site)" : name
  }
}
