import Synchronization

extension ScopeRef {
  /// Makes a fiber that will run `body`, as a child of this scope, and queues it on the calling worker. Never switches.
  ///
  /// Two allocations: the closure's context, if it captures anything, and the object that handles share.
  @inlinable
  package func spawn<Value>(_ name: String?, _ body: @escaping () throws -> Value) -> FiberCore<Value> {
    let core = FiberCore(record: makeChild(name), body)
    launch(core)
    return core
  }

  @usableFromInline
  func makeChild(_ name: String?) -> FiberRef {
    guard let scheduler = pointee.scheduler else {
      fatalError("a plain thread has no scheduler to spawn fibers on; write runFibers { ... } or withNursery { ... } around it")
    }
    let here = Worker.ofThisThread
    let isHome = here.pointee.scheduler?.toOpaque() == scheduler.toOpaque()
    let home = isHome ? here : scheduler._withUnsafeGuaranteedRef { $0.worker(0) }
    let record = FiberSlab.allocate(here)
    FiberSlab.initialise(
      record, to: FiberRecord(kind: .fiber, id: here.makeID(), name: name, worker: home, home: self))
    return record
  }

  @usableFromInline
  func launch(_ body: FiberBody) {
    let record = body.record
    guard add(record) else {
      fatalError(
        "\(record.label) was spawned into \(label), which has closed already; spawn children before the nursery's body returns, or open another nursery")
    }
    record.pointee.body = .passRetained(body)
    let here = Worker.ofThisThread
    here.count(here.pointee.spawned)
    if pointee.isCancelled {
      body.fail(CancellationError())
      record.finish(error: CancellationError())
      here.count(here.pointee.ended)
      return
    }
    record.makeReady(.last)
  }

  /// For messages.
  package var label: String { pointee.name.isEmpty ? "a nursery" : "nursery \"\(path)\"" }
}
