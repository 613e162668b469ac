import CSwitch
import Synchronization

/// Memory for fiber records: type-stable, never given back, so a stale reference finds a record and not a fault.
///
/// Each worker keeps a free list of its own; batches move between it and the shared one. A record keeps its count of
/// performs and its
/// `FiberBody` from one fiber to the next.
enum FiberSlab {
  private struct Shared: ~Copyable {
    // A field under the lock comes first: the thread sanitizer books a mutation of any part at the address of the
    // whole.
    var free: FiberRef?
    let lock = SpinLock(.leaf)
    /// Lent records whose workers have gone.
    var lent = FiberList()
    /// Where the records lie, `recordsOfSlab` at each place.
    var slabs: [UnsafeMutableRawPointer] = []
  }

  /// A worker's own records.
  struct Cache {
    fileprivate var free: FiberRef?
    fileprivate var freeCount = 0
    /// Records of ended fibers that were held at the last look: the latest, and those that were held once more.
    fileprivate var lent: FiberRef?
    fileprivate var lentCount = 0
    fileprivate var held = FiberList()
  }

  nonisolated(unsafe) private static let shared = UnsafeMutablePointer.new(Shared())

  static let batch = 64
  private static var recordsOfSlab: Int { 4 * batch }
  /// The scratch space comes after the record itself; both together are cache lines of their own.
  static var scratchOffset: Int { (MemoryLayout<FiberRecord>.size + 7) / 8 * 8 }
  private static var stride: Int { (scratchOffset + FiberRecord.scratchSize + 63) / 64 * 64 }

  /// Memory for a record outside the slab, scratch space included.
  static func allocateSingle() -> FiberRef {
    UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64).bindMemory(to: FiberRecord.self, capacity: 1)
  }

  /// A record for `renew`: one whose handles have gone meanwhile, or from the calling worker's free list.
  ///
  /// Its count of performs goes on where the last fiber's ended, so a waiter kept from then can never match.
  @inline(__always)
  static func allocate(_ worker: WorkerRef) -> FiberRef {
    if let record = worker.pointee.memory.records.lent {
      worker.pointee.memory.records.lent = record.pointee.next
      worker.pointee.memory.records.lentCount -= 1
      if isUnheld(record) {
        record.pointee.clear()
        return record
      }
      worker.pointee.memory.records.held.append(record)
    }
    if worker.pointee.memory.records.free == nil { refill(worker) }
    let record = worker.pointee.memory.records.free!
    worker.pointee.memory.records.free = record.pointee.next
    worker.pointee.memory.records.freeCount -= 1
    return record
  }

  /// Ends a fiber's use of a record.
  ///
  /// On a worker's thread it is the next to be reused there, and not before the fiber that now runs has been switched
  /// off: a fiber may free its own record last of all.
  static func free(_ record: FiberRef) {
    let worker = Worker.ofThisThread
    free(record, worker)
    if worker.pointee.memory.records.freeCount > 4 * batch { spill(worker, keeping: 2 * batch) }
  }

  @inline(__always)
  private static func free(_ record: FiberRef, _ worker: WorkerRef) {
    record.pointee.clear()
    record.pointee.next = worker.pointee.memory.records.free
    worker.pointee.memory.records.free = record
    worker.pointee.memory.records.freeCount += 1
  }

  // MARK: Handles

  /// Whether only the record holds its body.
  @inline(__always)
  static func isUnheld(_ record: FiberRef) -> Bool {
    withUnsafeMutablePointer(to: &record.pointee.body) { body in
      isKnownUniquelyReferenced(&UnsafeMutableRawPointer(body).assumingMemoryBound(to: FiberBody.self).pointee)
    }
  }

  /// What becomes of the object that goes with a record; see `FiberBody`.
  enum Fate {
    case kept
    case lent
    case givenAway
  }

  /// Decides what becomes of an ended fiber's object, and destroys the result if no handle is left.
  ///
  /// Called while the fiber's home still waits for it: a result's deinit may ask for the scope, and wait in it. The
  /// last handle's owner destroys the result of an object that was given away. Sanitizers, and the explorer's search
  /// for leaks, are to see every object go.
  @inline(__always)
  static func settle(_ record: FiberRef, _ body: Unmanaged<FiberBody>) -> Fate {
    if cs_is_sanitized || record.pointee.worker.pointee.decisions != nil {
      cs_notes_release(record)
    } else if isUnheld(record) {
      body._withUnsafeGuaranteedRef { $0.dropResult() }
      return .kept
    } else if body._withUnsafeGuaranteedRef({ $0.status == .completed && $0.isResultTrivial }) {
      return .lent
    }
    body.release()
    return .givenAway
  }

  /// Takes back the record of a fiber that has ended and left its home.
  @inline(__always)
  static func takeBack(_ record: FiberRef, _ fate: Fate) {
    switch fate {
    case .kept: free(record)
    case .lent:
      let worker = Worker.ofThisThread
      record.pointee.next = worker.pointee.memory.records.lent
      worker.pointee.memory.records.lent = record
      worker.pointee.memory.records.lentCount += 1
      if worker.pointee.memory.records.lentCount > 4 * batch { passOn(worker) }
    case .givenAway: freeIfLast(record)
    }
  }

  /// Frees the record of an object that was given away: called when the fiber has left its home and when the object
  /// goes, and the later of the two frees it.
  static func freeIfLast(_ record: FiberRef) {
    if record.pointee.isHalfFree.exchange(true, ordering: .acquiringAndReleasing) { free(record) }
  }

  /// Frees those of a worker's lent records that are not held any more, and leaves the others to spawning workers: this
  /// worker may do nothing but run what others have spawned.
  @inline(never)
  private static func passOn(_ worker: WorkerRef) {
    var held = worker.pointee.memory.records.held
    worker.pointee.memory.records.held = FiberList()
    while let record = worker.pointee.memory.records.lent {
      worker.pointee.memory.records.lent = record.pointee.next
      if isUnheld(record) { free(record) } else { held.append(record) }
    }
    worker.pointee.memory.records.lentCount = 0
    shared.pointee.lock.withLock { shared.pointee.lent.append(contentsOf: held) }
  }

  /// Looks through some of the lent records for those that are not held any more: through as many as are made if there
  /// are none, so that no more are ever made than are held.
  private static func reclaim(from lent: inout FiberList, _ worker: WorkerRef) {
    for _ in 0..<4 * batch {
      guard let record = lent.popFirst() else { return }
      if isUnheld(record) { free(record, worker) } else { lent.append(record) }
    }
  }

  // MARK: Batches

  @inline(never)
  private static func refill(_ worker: WorkerRef) {
    reclaim(from: &worker.pointee.memory.records.held, worker)
    shared.pointee.lock.withLock {
      reclaim(from: &shared.pointee.lent, worker)
      while worker.pointee.memory.records.freeCount < batch, let record = shared.pointee.free {
        shared.pointee.free = record.pointee.next
        record.pointee.next = worker.pointee.memory.records.free
        worker.pointee.memory.records.free = record
        worker.pointee.memory.records.freeCount += 1
      }
    }
    guard worker.pointee.memory.records.free == nil else { return }
    worker.count(worker.pointee.counters.allocations)
    let count = recordsOfSlab
    precondition(FiberRecord.Wait.holdsOffer, "a record's own offer must hold an offer")
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * stride, alignment: 64)
    // Of no fiber yet, so any scope will do.
    let home = worker.pointee.loop.home
    for index in (0..<count).reversed() {
      let record = (memory + index * stride).bindMemory(to: FiberRecord.self, capacity: 1)
      record.initialize(.fiber, worker: worker, home: home)
      record.pointee.next = worker.pointee.memory.records.free
      worker.pointee.memory.records.free = record
    }
    worker.pointee.memory.records.freeCount = count
    shared.pointee.lock.withLock { shared.pointee.slabs.append(memory) }
  }

  /// The records of the tasks that wait in a perform, more or less: while this looks, tasks begin and end to wait.
  ///
  /// For dumps: looks at every record that there is.
  static var waitingTasks: [FiberRef] {
    var tasks: [FiberRef] = []
    for slab in shared.pointee.lock.withLock({ shared.pointee.slabs }) {
      for index in 0..<recordsOfSlab {
        let record = (slab + index * stride).assumingMemoryBound(to: FiberRecord.self)
        if record.isWaitingTask { tasks.append(record) }
      }
    }
    return tasks
  }

  /// Moves all records of a worker that ends to the shared lists.
  static func leave(_ worker: WorkerRef) {
    passOn(worker)
    spill(worker, keeping: 0)
  }

  /// Moves all but the newest `kept` records of a worker to the shared list.
  @inline(never)
  private static func spill(_ worker: WorkerRef, keeping kept: Int) {
    var surplus = worker.pointee.memory.records.free
    var last: FiberRef?
    for _ in 0..<kept {
      guard let record = surplus else { return }
      last = record
      surplus = record.pointee.next
    }
    guard let first = surplus else { return }
    if let last { last.pointee.next = nil } else { worker.pointee.memory.records.free = nil }
    worker.pointee.memory.records.freeCount = kept
    var end = first
    while let next = end.pointee.next { end = next }
    shared.pointee.lock.withLock {
      end.pointee.next = shared.pointee.free
      shared.pointee.free = first
    }
  }
}
