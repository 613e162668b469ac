import Synchronization

/// Takes a `FiberSnapshot`.
struct SnapshotTaker {
  var snapshot = FiberSnapshot()
  /// The records of the performers, in their order.
  private(set) var records: [FiberRef] = []
  private var clockOf: [UnsafeMutableRawPointer: Int32] = [:]
  /// The innermost scope that a fiber has open, other than its home.
  private var innermost: [FiberRef: Int32] = [:]
  /// The scope whose children a fiber waits for.
  private var joined: [FiberRef: Int32] = [:]
  private var suspenders: [FiberRef] = []
  private var textOf: [String: Int32] = [:]
  private var textOfKey: [UInt: Int32] = [:]
  private var stackOf: [[UInt]: Int32] = [:]
  private var stackOfGroup: [Group: Int32] = [:]
  private var localsOf: [[ShownLocal]: Int32] = [:]
  /// The fibers that wait for fibers alone, and for what nothing but their own references may lead to, with the
  /// numbers of their performs.
  var bound: [(index: Int, epoch: UInt64)] = []

  /// Fibers that are unwound once, where there are many.
  private struct Group: Hashable {
    let site: SourceSite.Key
    let text: Int32
    let count: Int32
  }

  private let withChannels: Bool

  init(withChannels: Bool) { self.withChannels = withChannels }

  /// Up to so many fibers each stack is unwound.
  private static let mostStacks = 1000
  /// How many fibers are looked at at once: with one barrier.
  static let batch = 256
  static let looking = Protected<Void>(())

  // MARK: Scopes

  mutating func take(_ scheduler: Scheduler, isOneOfMany: Bool) {
    guard let root = scheduler.rootScope else { return }
    // A run inside another's is part of that one.
    if isOneOfMany, root.pointee.links.parent?.pointee.scheduler != nil { return }
    let alive = scheduler.fibersAliveRoughly
    records.reserveCapacity(records.count + alive)
    snapshot.fibers.reserveCapacity(records.count + alive)
    snapshot.waits.reserveCapacity(snapshot.waits.count + alive)
    let firstFiber = records.count
    root.pointee.lock.lock()
    walk(root, below: -1)
    root.pointee.lock.unlock()
    takeSuspended()
    place(from: firstFiber, runningOn: scheduler)
    look(from: firstFiber)
  }

  /// Notes a scope and those inside it; called with its lock held.
  ///
  /// - Parameter suspender: the fiber on which the coroutine is suspended that has the scope open, if one is.
  private mutating func walk(_ outermost: ScopeRef, below parent: Int32, suspendedOn suspender: FiberRef? = nil) {
    var path: [(scope: ScopeRef, index: Int32)] = []
    outermost.visitInside { scope in
      while let last = path.last, last.scope != scope.pointee.links.parent { path.removeLast() }
      let owner = path.isEmpty ? suspender : nil
      path.append((scope, note(scope, below: path.last?.index ?? parent, suspendedOn: owner)))
      return true
    }
  }

  private mutating func note(_ scope: ScopeRef, below parent: Int32, suspendedOn suspender: FiberRef?) -> Int32 {
    let nursery = scope.pointee.nursery
    let index = Int32(snapshot.scopes.count)
    snapshot.scopes.append(
      FiberSnapshot.Scope(
        kind: kind(of: scope), parent: parent, site: scope.site, path: nursery?.path ?? "",
        deadline: scope.pointee.alarm.deadline, reason: scope.pointee.reason,
        limit: nursery?.pointee.traits.limit ?? .max, isDraining: nursery?.pointee.draining.hasBegun ?? false,
        clock: clock(scope.pointee.scheduler), childCount: nursery?.childCountUnderLock ?? 0,
        suspendedOn: suspender.map { PerformerID($0) }))
    if let host = scope.pointee.host {
      if host.pointee.kind == .root, host.home == scope { add(host, home: index, .root) }
      innermost[host] = index
    }
    guard let nursery else { return index }
    if let joiner = nursery.pointee.joiner { joined[joiner] = index }
    nursery.forEachChild { add($0, home: index, .fiber) }
    return index
  }

  private func kind(of scope: ScopeRef) -> FiberSnapshot.Scope.Kind {
    guard let nursery = scope.pointee.nursery else { return scope.pointee.isShielded ? .shield : .scope }
    if scope.pointee.opener == nil { return .daemons }
    if scope.pointee.host != scope.pointee.opener, scope.pointee.host?.pointee.kind == .root { return .run }
    return nursery.pointee.traits.isAmbient ? .nursery : .call
  }

  private mutating func clock(_ scheduler: Unmanaged<Scheduler>?) -> Int32 {
    guard let scheduler else { return -1 }
    if let index = clockOf[scheduler.toOpaque()] { return index }
    let index = Int32(snapshot.clocks.count)
    clockOf[scheduler.toOpaque()] = index
    snapshot.clocks.append(
      scheduler._withUnsafeGuaranteedRef {
        FiberSnapshot.Clock(now: $0.now, isDeterministic: $0.decisions != nil, workers: $0.workers.regularCount)
      })
    return index
  }

  /// Notes a fiber, under the lock of its home.
  private mutating func add(_ fiber: FiberRef, home: Int32, _ kind: FiberSnapshot.Fiber.Kind) {
    records.append(fiber)
    snapshot.fibers.append(
      FiberSnapshot.Fiber(
        performer: PerformerID(fiber), name: fiber.name, site: fiber.site, home: home, scope: home,
        state: fiber.pointee.membership.permit == .awaited ? .awaitingTurn : .ready, kind: kind,
        isCancelledAlone: fiber.pointee.membership.isCancelledAlone.load(ordering: .acquiring)))
    if fiber.hasSuspendedScopes { suspenders.append(fiber) }
  }

  /// Notes the scopes of suspended coroutines, which are in no tree.
  private mutating func takeSuspended() {
    if suspenders.isEmpty { return }
    SuspendedScopes.lock.lock()
    // The walk may find more: children of a suspended nursery.
    while let fiber = suspenders.popLast() {
      fiber.forEachSuspended { scope in
        scope.pointee.lock.lock()
        walk(scope, below: -1, suspendedOn: fiber)
        scope.pointee.lock.unlock()
      }
    }
    SuspendedScopes.lock.unlock()
  }

  // MARK: Fibers

  /// Says which scope each fiber is in, and which fibers run.
  private mutating func place(from first: Int, runningOn scheduler: Scheduler) {
    var running: [FiberRef: Int] = [:]
    for index in scheduler.workers.indices {
      let worker = scheduler.workers[index]
      if let fiber = worker.pointee.running.load(ordering: .acquiring) { running[fiber] = snapshot.workers.count }
      snapshot.workers.append(FiberSnapshot.WorkerState(worker))
    }
    for index in first..<records.count {
      let record = records[index]
      if let scope = innermost[record] { snapshot.fibers[index].scope = scope }
      if let scope = joined[record] {
        snapshot.fibers[index].state = .joining
        snapshot.fibers[index].scope = scope
        snapshot.fibers[index].since = record.pointee.wait.since.load(ordering: .relaxed)
      }
      guard let worker = running[record] else { continue }
      snapshot.fibers[index].state = .running
      snapshot.workers[worker].running = Int32(index)
    }
    innermost = [:]
    joined = [:]
  }

  /// Reads what the fibers wait for.
  private mutating func look(from first: Int) {
    var start = first
    let unwindsAll = records.count - first <= Self.mostStacks
    while start < records.count {
      let end = min(start + Self.batch, records.count)
      // Readers exclude each other: a fiber has one mark.
      Self.looking.withLock { _ in
        var index = start
        FiberRef.look(at: records[start..<end]) { fiber in
          read(fiber, index, unwindsAll: unwindsAll)
          index += 1
        }
      }
      start = end
    }
    confirm()
  }

  private mutating func read(_ fiber: FiberRef, _ index: Int, unwindsAll: Bool) {
    let offers = fiber.offersLookedAt
    // A record whose fiber has ended meanwhile may be another's.
    guard !offers.isEmpty, fiber.id == snapshot.fibers[index].performer.number else { return }
    let firstWait = snapshot.waits.count
    if offers.count == 1 {
      snapshot.waits.append(wait(for: offers.baseAddress!))
    } else {
      snapshot.waits += waits(for: offers)
    }
    if snapshot.waits[firstWait...].allSatisfy({ $0.waker.performer != nil || $0.waker.object != nil }) {
      bound.append((index, fiber.epoch))
    }
    snapshot.fibers[index].state = .waiting
    snapshot.fibers[index].firstWait = Int32(firstWait)
    snapshot.fibers[index].waitCount = Int32(offers.count)
    snapshot.fibers[index].since = fiber.pointee.wait.since.load(ordering: .relaxed)
    snapshot.fibers[index].stack = stack(of: fiber, index, unwindsAll: unwindsAll)
    // Bound before it began to wait, and until it goes on.
    if let locals = fiber.pointee.surroundings.locals { snapshot.fibers[index].locals = self.locals(locals.shown) }
  }

  private mutating func locals(_ shown: [ShownLocal]) -> Int32 {
    if shown.isEmpty { return -1 }
    if let index = localsOf[shown] { return index }
    let index = Int32(snapshot.locals.count)
    localsOf[shown] = index
    snapshot.locals.append(shown)
    return index
  }

  private mutating func wait(for offer: UnsafePointer<Offer>) -> FiberSnapshot.Wait {
    let offer = OfferRef(mutating: offer)
    var wait = offer.pointee.source._withUnsafeGuaranteedRef { source in
      if withChannels { source.note(in: &snapshot.channels) }
      return FiberSnapshot.Wait(
        text: text(of: source), source: UInt(bitPattern: Unmanaged.passUnretained(source).toOpaque()),
        waker: source.waker(of: offer))
    }
    if case .unknown = wait.waker, let object = ownObject(of: offer) { wait.waker = .reference(object) }
    return wait
  }

  /// The branches in the order in which they are written.
  mutating func waits(for offers: UnsafeBufferPointer<Offer>) -> [FiberSnapshot.Wait] {
    // Only what stays is read: others link and unlink the offers in their queues meanwhile.
    let offers = offers.indices.map { offers.baseAddress! + $0 }
    return offers.sorted { $0.pointee.index < $1.pointee.index }.map { wait(for: $0) }
  }

  private mutating func text(of source: OperationSource) -> Int32 {
    let key = source.descriptionKey
    if let key, let index = textOfKey[key] { return index }
    let text = source.dumpDescription
    let index = textOf[text] ?? Int32(snapshot.texts.count)
    if textOf[text] == nil {
      textOf[text] = index
      snapshot.texts.append(text)
    }
    if let key { textOfKey[key] = index }
    return index
  }

  private mutating func stack(of fiber: FiberRef, _ index: Int, unwindsAll: Bool) -> Int32 {
    let entry = snapshot.fibers[index]
    let group = Group(
      site: entry.site.key, text: snapshot.waits[Int(entry.firstWait)].text, count: entry.waitCount)
    if !unwindsAll, let stack = stackOfGroup[group] { return stack }
    let frames = StackWalk.frames(of: fiber)
    // It may be leaving its stack, or coming back.
    if frames.isEmpty { return -1 }
    let stack = stackOf[frames] ?? Int32(snapshot.stacks.count)
    if stackOf[frames] == nil {
      stackOf[frames] = stack
      snapshot.stacks.append(frames)
    }
    stackOfGroup[group] = stack
    return stack
  }

  // MARK: Threads and tasks

  /// Notes the plain threads, or the tasks, of these records that wait in operations.
  mutating func take(_ performers: [FiberRef], _ kind: FiberSnapshot.Fiber.Kind) {
    var start = 0
    while start < performers.count {
      let end = min(start + Self.batch, performers.count)
      Self.looking.withLock { _ in
        FiberRef.look(at: performers[start..<end]) { performer in
          // The record of a task that has gone on may be another performer's.
          if performer.offersLookedAt.isEmpty || performer.isWaitingTask != (kind == .task) { return }
          let index = records.count
          records.append(performer)
          snapshot.fibers.append(
            FiberSnapshot.Fiber(
              performer: PerformerID(performer), name: nil, site: SourceSite(), home: -1, scope: -1, state: .ready,
              kind: kind, isCancelledAlone: false))
          read(performer, index, unwindsAll: performers.count <= Self.mostStacks)
        }
      }
      start = end
    }
    confirm()
  }
}
